"""Every network whose structure is in the repository, keyed by its name in AI Hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
import torchvision.models as vision
import transformers as hub
from torch import nn

from bench.truth.export import (
    depth,
    detection,
    faces,
    ffnet,
    gpunet,
    heatmaps,
    mobile,
    own,
    person,
    portrait,
    safety,
    segmentation,
    shapes,
    xception,
    yolo,
)
from bench.truth.export.shapes import Scale
from bench.truth.export.source import ATTENTION_OPSET, PLAIN_OPSET, Source, image, text
from bench.truth.export.windows import publishable

_EAGER = {"attn_implementation": "eager"}
"""Attention written out as plain ops, as in the published networks."""


def _timm(name: str) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, pretrained=False)


def _plain(build: Callable[..., nn.Module], **options: Any) -> Callable[[], nn.Module]:
    return lambda: build(weights=None, **options)


def _inception(build: Callable[..., nn.Module]) -> Callable[[], nn.Module]:
    return _plain(build, aux_logits=False, init_weights=False, transform_input=False)


def _swin(build: Callable[..., nn.Module]) -> Source:
    return image(lambda: publishable(build(weights=None)), opset=ATTENTION_OPSET)


def _larger(build: Callable[[], nn.Module]) -> Source:
    return image(build, 128, Scale.NONE, last=True)


def _street(backbone: Callable[[], ffnet.Slim | ffnet.Narrow], head: ffnet.Head, height: int) -> Source:
    return image(lambda: ffnet.FfNet(backbone(), head), (height, 2 * height), last=True)


def _depth(stages: list[int]) -> Source:
    backbone = hub.Dinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14, out_indices=stages,
        reshape_hidden_states=False, apply_layernorm=True, **_EAGER,
    )  # fmt: skip
    config = hub.DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=384, neck_hidden_sizes=[48, 96, 192, 384],
        fusion_hidden_size=64, patch_size=14, **_EAGER,
    )  # fmt: skip
    return image(lambda: hub.DepthAnythingForDepthEstimation(config), 518, opset=ATTENTION_OPSET)


def _detr(model: Any, config: Any, depths: list[int]) -> Source:
    def build() -> nn.Module:
        backbone = hub.ResNetConfig(depths=depths, out_features=["stage4"])
        made = config(
            backbone_config=backbone, use_timm_backbone=False, backbone=None, num_labels=91, **_EAGER
        )
        return shapes.Detector(model(made), Scale.IMAGENET)

    return Source(build, {"image": lambda: torch.rand(1, 640, 640, 3)}, ATTENTION_OPSET)


def _video(build: Callable[..., nn.Module]) -> Source:
    return Source(
        lambda: shapes.Video(build(weights=None)), {"video": lambda: torch.rand(1, 3, 16, 112, 112)}, 17
    )


def _filled(model: Any, config: Any) -> Source:
    return text(lambda: shapes.FilledGap(model(config)), 384, place=True)


def _attention(model: Any, config: Any, size: int = 224, scale: Scale = Scale.IMAGENET) -> Source:
    return image(lambda: model(config), size, scale, opset=ATTENTION_OPSET)


CONVOLUTIONAL: dict[str, Source] = {
    "mobilenet_v2": image(_plain(vision.mobilenet_v2)),
    "mobilenet_v3_small": image(_plain(vision.mobilenet_v3_small)),
    "mobilenet_v3_large": image(_plain(vision.mobilenet_v3_large)),
    "googlenet": image(_inception(vision.googlenet), scale=Scale.SIGNED),
    "inception_v3": image(_inception(vision.inception_v3), 299, Scale.SIGNED),
    "resnet18": image(_plain(vision.resnet18)),
    "resnet50": image(_plain(vision.resnet50)),
    "resnet101": image(_plain(vision.resnet101)),
    "resnext50": image(_plain(vision.resnext50_32x4d)),
    "resnext101": image(_plain(vision.resnext101_32x8d)),
    "wideresnet50": image(_plain(vision.wide_resnet50_2)),
    "squeezenet1_1": image(_plain(vision.squeezenet1_1)),
    "shufflenet_v2": image(_plain(vision.shufflenet_v2_x0_5)),
    "mnasnet05": image(_plain(vision.mnasnet0_5)),
    "densenet121": image(_plain(vision.densenet121)),
    "efficientnet_b0": image(_plain(vision.efficientnet_b0)),
    "efficientnet_b4": image(_plain(vision.efficientnet_b4), 380),
    "efficientnet_v2_s": image(_plain(vision.efficientnet_v2_s), 384),
    "regnet": image(_plain(vision.regnet_x_3_2gf)),
    "regnet_y_800mf": image(_plain(vision.regnet_y_800mf)),
    "inception_v4": image(_timm("inception_v4"), 299, Scale.SIGNED),
    "dla102x": image(_timm("dla102x")),
    "mobilenet_v4": image(_timm("mobilenetv4_conv_medium")),
    "efficientnet_lite4": image(_timm("tf_efficientnet_lite4"), 300, Scale.SIGNED),
    "repvit": image(_timm("repvit_m2_3")),
    "nasnet": image(_timm("nasnetalarge"), 331, Scale.SIGNED),
    "fcn_resnet50": image(_plain(vision.segmentation.fcn_resnet50, weights_backbone=None), 520, classes=True),
    "unet_segmentation": image(own.UNet, (640, 1280), Scale.NONE, last=True),
    "quicksrnetsmall": _larger(lambda: own.QuickSrNet(32, 2)),
    "quicksrnetmedium": _larger(lambda: own.QuickSrNet(32, 5)),
    "quicksrnetlarge": _larger(lambda: own.QuickSrNet(64, 11)),
    "dncnn": image(own.DnCnn, 256, Scale.NONE, channels=1, last=True),
    "real_esrgan_general_x4v3": _larger(own.SrVgg),
    "real_esrgan_x4plus": _larger(own.RrdbNet),
    "srgan": _larger(own.SrResNet),
    "xlsr": _larger(own.Xlsr),
    "sesr_m5": _larger(own.Sesr),
    "posenet_mobilenet": image(mobile.PoseNet, (513, 257), Scale.SIGNED, every=True),
    "hrnet_pose": image(person.PoseHrNet, (256, 192)),
    "hrnet_face": image(person.FaceHrNet, 256),
    "osnet": image(person.OsNet, (256, 128)),
    "midas": image(depth.Midas, 256),
    "u2net_segmentation": image(segmentation.U2Net, 320, last=True),
    "deeplabv3_plus_mobilenet": image(segmentation.DeepLab, 513, classes=True),
    "ddrnet23_slim": image(segmentation.DdrNet, (1024, 2048), last=True),
    "yolox": image(detection.YoloX, 640, Scale.NONE, every=True),
    "deeplab_xception": image(xception.DeepLabXception, (480, 520), Scale.SIGNED, classes=True),
    "ffnet_40s": _street(lambda: ffnet.Slim((4, 5, 6, 4), 2), ffnet.Head.B, 1024),
    "ffnet_54s": _street(lambda: ffnet.Slim((5, 8, 8, 5), 2), ffnet.Head.B, 1024),
    "ffnet_78s": _street(lambda: ffnet.Slim((6, 12, 12, 8), 2), ffnet.Head.B, 1024),
    "ffnet_78s_lowres": _street(lambda: ffnet.Slim((6, 12, 12, 8), 1), ffnet.Head.C, 512),
    "ffnet_122ns_lowres": _street(lambda: ffnet.Narrow((16, 24, 20)), ffnet.Head.C, 512),
    "sinet": image(portrait.SiNet, 224, Scale.NONE, last=True),
    "gpunet": image(gpunet.GpuNet),
    "face_det_lite": image(heatmaps.FaceDetLite, (480, 640), Scale.NONE, channels=1, last=True, every=True),
    "foot_track_net": image(heatmaps.FootTrackNet, (480, 640), Scale.NONE, last=True, every=True),
    "face_attrib_net": image(faces.FaceAttribNet, 128, Scale.NONE),
    "facemap_3dmm": image(faces.FaceMap, 128, Scale.NONE),
    "gear_guard_net": image(safety.GearGuard, (320, 192), Scale.NONE, every=True),
    "yolov7": image(yolo.YoloV7Tiny, 640, Scale.NONE, every=True),
    "yolov8_det": image(yolo.YoloV8, 640, Scale.NONE, every=True),
    "yolov8_seg": image(yolo.YoloV8Masks, 640, Scale.NONE, every=True),
    "yamnet": Source(mobile.YamNet, {"sound": lambda: torch.rand(1, 1, 96, 64)}, PLAIN_OPSET),
    "resnet_3d": _video(vision.video.r3d_18),
    "resnet_mixed": _video(vision.video.mc3_18),
    "resnet_2plus1d": _video(vision.video.r2plus1d_18),
}  # fmt: skip

ATTENTION: dict[str, Source] = {
    "convnext_tiny": image(_plain(vision.convnext_tiny), opset=ATTENTION_OPSET),
    "convnext_base": image(_plain(vision.convnext_base), opset=ATTENTION_OPSET),
    "swin_tiny": _swin(vision.swin_t),
    "swin_small": _swin(vision.swin_s),
    "swin_base": _swin(vision.swin_b),
    "vit": image(_plain(vision.vit_b_16), opset=ATTENTION_OPSET),
    "efficientformer": image(_timm("efficientformer_l1"), opset=ATTENTION_OPSET),
    "efficientvit_b2_cls": image(_timm("efficientvit_b2"), opset=ATTENTION_OPSET),
    "efficientvit_l2_cls": image(_timm("efficientvit_l2"), opset=ATTENTION_OPSET),
    "beit": _attention(
        hub.BeitForImageClassification,
        hub.BeitConfig(
            num_labels=1000, use_relative_position_bias=True, use_absolute_position_embeddings=False, **_EAGER
        ),
        scale=Scale.NONE,
    ),
    "levit": _attention(hub.LevitForImageClassification, hub.LevitConfig(num_labels=1000, hidden_sizes=[128, 256, 384], num_attention_heads=[4, 6, 8], depths=[2, 3, 4])),
    "mobile_vit": _attention(hub.MobileViTForImageClassification, hub.MobileViTConfig(num_labels=1000, **_EAGER), 256, Scale.NONE),
    "convnext_v2_base": _attention(
        hub.ConvNextV2ForImageClassification,
        hub.ConvNextV2Config(num_labels=1000, hidden_sizes=[128, 256, 512, 1024], depths=[3, 3, 27, 3]),
    ),
    "segformer_base": _attention(hub.SegformerForSemanticSegmentation, hub.SegformerConfig(num_labels=150, **_EAGER), 512),
    "depth_anything": _depth([9, 10, 11, 12]),
    "depth_anything_v2": _depth([3, 6, 9, 12]),
    "detr_resnet50": _detr(hub.DetrForObjectDetection, hub.DetrConfig, [3, 4, 6, 3]),
    "detr_resnet101": _detr(hub.DetrForObjectDetection, hub.DetrConfig, [3, 4, 23, 3]),
    "conditional_detr_resnet50": _detr(
        hub.ConditionalDetrForObjectDetection, hub.ConditionalDetrConfig, [3, 4, 6, 3]
    ),
    "bert_base_uncased_hf": _filled(hub.BertForMaskedLM, hub.BertConfig(**_EAGER)),
    "distil_bert_base_uncased_hf": _filled(hub.DistilBertForMaskedLM, hub.DistilBertConfig(**_EAGER)),
    "albert_base_v2_hf": _filled(
        hub.AlbertForMaskedLM,
        hub.AlbertConfig(hidden_size=768, num_attention_heads=12, intermediate_size=3072, **_EAGER),
    ),
    "mobile_bert_uncased_google": _filled(hub.MobileBertForMaskedLM, hub.MobileBertConfig(**_EAGER)),
    "electra_bert_base_discrim_google": text(
        lambda: shapes.ReplacedTokens(
            hub.ElectraForPreTraining(
                hub.ElectraConfig(
                    hidden_size=768, embedding_size=768, num_attention_heads=12, intermediate_size=3072, **_EAGER
                )
            )
        ),
        384,
    ),
    "minilm_v2": text(
        lambda: shapes.Sentence(
            hub.BertModel(
                hub.BertConfig(
                    hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, **_EAGER
                )
            )
        ),
        128,
    ),
}  # fmt: skip

SOURCES = CONVOLUTIONAL | ATTENTION
