"""The fake phone, driven by the real adb, behaves like a phone."""

import socket
import time
from functools import partial
from pathlib import Path

import pytest

from fakes.devices import AdbServer, Phone
from fakes.devices.adb_protocol import HEADER_SIZE, VERSION_WITH_CHECKSUM, Auth, Command, Header, Message
from fakes.devices.phone import why_unavailable
from tests.fakes.phones import SCRATCH, Adb, connected, in_background, until

WHY = why_unavailable()
pytestmark = pytest.mark.skipif(WHY is not None, reason=WHY or "")


# Commands


def test_a_command_keeps_exit_code_output_and_errors_apart(adb: Adb) -> None:
    done = adb("shell", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_a_death_by_signal_is_128_and_the_signal(adb: Adb) -> None:
    assert adb("shell", "kill -SEGV $$").returncode == 139


def test_the_end_of_the_clients_input_reaches_the_command(adb: Adb) -> None:
    text = b"x" * 300_000
    assert adb("shell", "cat", input=text).stdout == text


def test_exec_out_is_byte_exact(adb: Adb) -> None:
    assert adb("exec-out", "printf 'a\\nb\\r\\n\\0'").stdout == b"a\nb\r\n\0"


def test_a_terminal_is_given_when_asked_for(adb: Adb) -> None:
    assert adb("shell", "-t", "-t", "tty").stdout.startswith(b"/dev/pts/")
    assert adb("shell", "tty").stdout == b"not a tty\n"


def test_commands_run_side_by_side(server: AdbServer, phone: Phone, adb: Adb) -> None:
    waiting = "touch {n}; while [ $(ls | wc -l) -lt 5 ]; do sleep 0.05; done; echo {n}"
    adb("shell", "mkdir /data/local/tmp/side")
    clients = [
        in_background(server, phone, f"cd /data/local/tmp/side; {waiting.format(n=n)}") for n in range(5)
    ]
    assert [client.communicate()[0] for client in clients] == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]


def test_the_command_ends_only_when_its_children_close_its_output(adb: Adb) -> None:
    begin = time.monotonic()
    assert adb("shell", "sleep 0.3 & echo started").stdout == b"started\n"
    assert time.monotonic() - begin >= 0.3


def test_a_killed_client_leaves_the_commands_children_alive(
    server: AdbServer, phone: Phone, adb: Adb
) -> None:
    client = in_background(server, phone, f"sleep 60 & echo $! >{SCRATCH}/pid; wait; touch {SCRATCH}/went-on")
    until(lambda: phone.files() == ["pid"])
    assert len(phone.processes()) == 2
    client.kill()
    client.communicate()
    until(lambda: len(phone.processes()) == 1)
    assert phone.processes() == [int(phone.read("pid"))]
    assert phone.files() == ["pid"]


def test_a_command_that_ignores_sighup_outlives_its_client(server: AdbServer, phone: Phone, adb: Adb) -> None:
    client = in_background(server, phone, f"trap '' HUP; touch {SCRATCH}/up; sleep 0.3; touch {SCRATCH}/done")
    until(lambda: phone.files() == ["up"])
    client.kill()
    client.communicate()
    until(lambda: phone.files() == ["done", "up"])


def test_every_command_is_on_record(phone: Phone, adb: Adb) -> None:
    adb("shell", "exit 3")
    adb("exec-out", "true")
    first, second = phone.commands()
    assert first.service.endswith("raw:exit 3")
    assert second.service == "exec:true"
    assert (first.exit_code, second.exit_code) == (3, 0)
    assert first.end is not None
    assert first.start <= first.end <= second.start


def test_an_old_android_merges_output_and_hides_the_exit_code(server: AdbServer, tmp_path: Path) -> None:
    with Phone.start(tmp_path / "old", shell_v2=False) as phone:
        done = connected(server, phone)("shell", "echo out; echo err >&2; exit 7")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"out\r\nerr\r\n", b"")
        server.adb("disconnect", phone.serial)


# The system on it


def test_its_shell_and_tools_are_androids(adb: Adb) -> None:
    said = adb("shell", "echo $KSH_VERSION; ls --version; bash -c true; echo $?").stdout
    assert b"MIRBSD KSH" in said
    assert b"toybox" in said
    assert said.endswith(b"127\n")


def test_only_data_can_be_written(adb: Adb) -> None:
    for path in ("/x", "/system/x", "/sys/x", "/usr/x"):
        refused = adb("shell", f"touch {path}")
        assert (refused.returncode, b"Read-only file system" in refused.stderr) == (1, True)
    assert adb("shell", f"touch {SCRATCH}/x").returncode == 0


def test_it_says_what_it_is(phone: Phone, adb: Adb) -> None:
    ask = "getprop ro.soc.model; getprop nothing default; cat /sys/devices/soc0/soc_id"
    assert adb("shell", ask).stdout == b"SM8750\ndefault\n618\n"
    phone.set(soc_model="CQ8750S", soc_id=705, build="a/b:16")
    assert adb("shell", ask).stdout == b"CQ8750S\ndefault\n705\n"
    assert b"[ro.build.fingerprint]: [a/b:16]\n" in adb("shell", "getprop").stdout


def test_heat_shows_in_the_hals_list_and_the_zones_and_not_in_the_cached_list(phone: Phone, adb: Adb) -> None:
    phone.set(thermal_status=3, skin=47.25, celsius={"nsp0": 88.0})
    cached, current = (
        adb("shell", "dumpsys thermalservice").stdout.decode().split("Current temperatures from HAL:")
    )
    assert "Thermal Status: 3\n" in cached
    assert "88.0" not in cached
    assert "\tTemperature{mValue=88.0, mType=9, mName=nsp0, mStatus=0}\n" in current
    zones = adb("shell", "cd /sys/class/thermal; for z in *; do echo $(cat $z/type $z/temp); done").stdout
    assert b"skin 47250\n" in zones


def test_battery_and_screen_are_told(phone: Phone, adb: Adb) -> None:
    phone.set(battery=17, charging=False, celsius={"battery": 35.7}, wakefulness="Dozing")
    told = adb("shell", "dumpsys battery; dumpsys power | grep mWakefulness=").stdout.decode()
    for line in ("level: 17", "temperature: 357", "AC powered: false", "status: 3", "mWakefulness=Dozing"):
        assert f"  {line}\n" in told


def test_a_python_tool_of_the_host_runs_on_it(adb: Adb, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(
        "#!/usr/bin/env python3\nimport os\nprint(os.getcwd(), os.environ['QHAS_FAKE_DEVICE_SOC'])\n"
    )
    tool.chmod(0o755)
    adb("push", str(tool), SCRATCH)
    assert adb("shell", f"cd {SCRATCH} && ./tool").stdout == b"/data/local/tmp sm8750\n"


def test_logcat_is_dumped_followed_and_cleared(phone: Phone, adb: Adb) -> None:
    phone.log("E fastrpc: remote handle error")
    assert b"fastrpc" in adb("shell", "logcat -d").stdout
    assert adb("shell", "logcat -c; logcat -d").stdout == b""


# Files


def test_what_was_pushed_is_pulled(phone: Phone, adb: Adb, tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(range(256)) * 20_000)
    assert adb("push", str(sent), f"{SCRATCH}/a/b/file").returncode == 0
    assert phone.files() == ["a/b/file"]
    assert adb("pull", f"{SCRATCH}/a/b/file", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back").read_bytes() == sent.read_bytes()


def test_a_directory_goes_both_ways_with_modes_times_and_empty_files(adb: Adb, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/empty").write_bytes(b"")
    (tree / "run").write_bytes(b"#!/system/bin/sh\necho ran\n")
    (tree / "run").chmod(0o700)
    assert adb("push", str(tree), SCRATCH).returncode == 0
    assert adb("shell", f"{SCRATCH}/tree/run; stat -c %a {SCRATCH}/tree/run").stdout == b"ran\n777\n"
    assert adb("pull", "-a", f"{SCRATCH}/tree", str(tmp_path / "back")).returncode == 0
    assert sorted(p.name for p in (tmp_path / "back").rglob("*")) == ["empty", "run", "sub"]
    assert int((tmp_path / "back/run").stat().st_mtime) == int((tree / "run").stat().st_mtime)


def test_adb_ls_lists_a_directory(adb: Adb) -> None:
    adb("shell", f"echo 12345 >{SCRATCH}/five")
    assert any(line.split()[1:2] == [b"00000006"] for line in adb("ls", SCRATCH).stdout.splitlines())


def test_a_pull_of_nothing_fails(adb: Adb, tmp_path: Path) -> None:
    assert b"No such file or directory" in adb("pull", f"{SCRATCH}/none", str(tmp_path)).stdout


# The wire protocol


def test_an_old_client_gets_checksums_and_must_send_them(phone: Phone) -> None:
    with socket.create_connection(("127.0.0.1", phone.port), 5) as old:
        sends = partial(_send, old, checksum=True)
        sends(Message(Command.CNXN, VERSION_WITH_CHECKSUM, 4096, b"host::\0"))
        assert _receive(old).arg0 == Auth.TOKEN
        sends(Message(Command.AUTH, Auth.SIGNATURE, 0, bytes(256)))
        hello = _receive(old)
        assert (hello.command, hello.arg0) == (Command.CNXN, VERSION_WITH_CHECKSUM)
        sends(Message(Command.OPEN, 1, 0, b"exec:echo hello\0"))
        stream = _receive(old).arg0
        assert _receive(old).data == b"hello\n"
        sends(Message(Command.OKAY, 1, stream))
        assert _receive(old).command is Command.CLSE
        _send(old, Message(Command.OPEN, 2, 0, b"exec:echo hello\0"), checksum=False)
        assert old.recv(1) == b"", "the phone hangs up on data that does not fit its checksum"


def _send(client: socket.socket, message: Message, *, checksum: bool) -> None:
    client.sendall(message.encode(checksum=checksum))


def _receive(client: socket.socket) -> Message:
    header = Header.decode(client.recv(HEADER_SIZE, socket.MSG_WAITALL))
    return header.with_data(
        client.recv(header.length, socket.MSG_WAITALL) if header.length else b"", checksum=True
    )


# Stopping


def test_stopping_ends_every_process_and_mount(server: AdbServer, tmp_path: Path) -> None:
    phone = Phone.start(tmp_path / "phone", data_bytes=1_000_000)
    adb = connected(server, phone)
    adb("shell", f"trap '' HUP TERM; (sleep 61 & sleep 62 &) >/dev/null 2>&1 </dev/null; touch {SCRATCH}/x")
    pids = phone.processes()
    assert len(pids) == 2
    phone.stop()
    assert not any(Path(f"/proc/{pid}").exists() and _alive(pid) for pid in pids)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
    server.adb("disconnect", phone.serial)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
