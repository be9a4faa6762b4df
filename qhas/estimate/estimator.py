"""Answers to trials: from the store if they were made before, else from warm workers, and then stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from pydantic import ValidationError

from qhas.estimate.model import Estimate
from qhas.estimate.trial import Trial
from qhas.estimate.worker import TrialRefused, Worker
from qhas.failures import InvalidInput
from qhas.machine.scratch import Scratch
from qhas.runs import keys
from qhas.site.sdk import Sdk, SdkKind
from qhas.store import Store

Outcome = Estimate | TrialRefused
_MOST_WORKERS = 4
"""Each holds a network in memory."""


class Estimator:
    """An estimator of trials, valid inside `open_estimator`.

    `compiled` counts the trials that were not found in the store, and `at_once` is how many are made in parallel.
    """

    def __init__(self, sdk: Sdk, store: Store, workers: Sequence[Worker]) -> None:
        self.sdk = sdk
        self.compiled = 0
        self.at_once = len(workers)
        self._store = store
        self._idle = SimpleQueue[Worker]()
        for worker in workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(workers), "estimate")

    def try_all(
        self, trials: Sequence[Trial], on_outcome: Callable[[Trial, Outcome], None] = lambda *_: None
    ) -> list[Outcome]:
        """Return each trial's outcome, in order, and pass it to `on_outcome` as soon as it is known. Raises StoreError."""
        stored = self._store.read_all([keys.trial(trial.key(self.sdk)) for trial in trials])
        outcomes: dict[int, Outcome] = {}
        for number, content in enumerate(stored):
            if content is not None and (kept := _read(content)):
                outcomes[number] = kept
                on_outcome(trials[number], kept)
        running = {
            number: self._threads.submit(self._try, trial)
            for number, trial in enumerate(trials)
            if number not in outcomes
        }
        try:
            for number, future in running.items():
                outcomes[number] = future.result()
                on_outcome(trials[number], outcomes[number])
        finally:
            for future in running.values():
                future.cancel()
        return [outcomes[number] for number in range(len(trials))]

    def lacks(self, trials: Sequence[Trial]) -> bool:
        """Whether any of the trials would have to be compiled. Raises StoreError."""
        stored = self._store.read_all([keys.trial(trial.key(self.sdk)) for trial in trials])
        return any(content is None or _read(content) is None for content in stored)

    def refusal_of(self, soc: str) -> TrialRefused | None:
        """Return why nothing can be estimated for the SoC; None if something can."""
        worker = self._idle.get()
        try:
            worker.ask({"dlc": None, "soc": soc})
        except TrialRefused as refused:
            return refused
        finally:
            self._idle.put(worker)
        return None

    def try_one(self, trial: Trial) -> Estimate:
        """Return the estimate. Raises InvalidInput with the reason if there is none, and StoreError."""
        outcome = self.try_all([trial])[0]
        if isinstance(outcome, TrialRefused):
            raise InvalidInput(f"{trial.subject.dlc.name} has no estimate for {trial.subject.soc}: {outcome}")
        return outcome

    def _try(self, trial: Trial) -> Outcome:
        worker = self._idle.get()
        try:
            estimate = Estimate.model_validate({"graphs": worker.ask(trial.request())})
        except TrialRefused as refused:
            place = trial.subject.dlc
            return TrialRefused(str(refused).replace(str(place), place.name))  # hide our copy's path
        except ValidationError as error:
            return TrialRefused(f"the simulator's answer cannot be read: {error.errors()[0]['msg']}.")
        finally:
            self._idle.put(worker)
        self.compiled += 1
        self._store.write(keys.trial(trial.key(self.sdk)), estimate.model_dump_json().encode())
        return estimate

    def close(self, workers: Sequence[Worker]) -> None:
        """Stop threads and workers, whatever they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            with suppress(ProcessLookupError):
                worker.end()
        self._threads.shutdown(wait=True)


@contextmanager
def open_estimator(sdk: Sdk, store: Store, cores: int | None = None) -> Iterator[Estimator]:
    """Open an estimator with a worker per core, at most `_MOST_WORKERS`.

    Raises InvalidInput unless the SDK is the host SDK, which has the simulator.
    """
    if sdk.kind is not SdkKind.HOST:
        raise InvalidInput(
            f"The SDK at {sdk.root} is the vendor's, which cannot estimate by itself: use the host SDK, through a site without "
            "`sdk`, or with `sdks` and --sdk."
        )
    count = max(1, min(cores or os.cpu_count() or 1, _MOST_WORKERS))
    with Scratch() as folder:
        workers = [Worker(sdk, Path(folder, f"worker-{number}")) for number in range(count)]
        estimator = Estimator(sdk, store, workers)
        try:
            yield estimator
        finally:
            estimator.close(workers)


def _read(content: bytes) -> Estimate | None:
    """Read a stored estimate; None if it cannot be read, in which case it is made again."""
    try:
        return Estimate.model_validate_json(content)
    except ValidationError:
        return None
