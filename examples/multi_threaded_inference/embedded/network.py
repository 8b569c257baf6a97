# SPDX-License-Identifier: Apache-2.0
"""The embedded classifier: a small residual network for 3 x 48 x 48 pictures."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))

from cachedop_models.graph import Graph  # noqa: E402

import pictures  # noqa: E402
import shapes  # noqa: E402

WIDTHS = (16, 32, 64)  # channels of the three stages
BLOCKS = 2  # residual blocks a stage

# The network takes RGB / 255, minus MEAN, divided by STD: the statistics ImageNet models use.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def _residual_block(graph, x, filters, stride, name):
    y = graph.conv(x, filters, 3, stride, 1, name=f"{name}_conv0")
    y = graph.relu(graph.batch_norm(y, name=f"{name}_bn0"), name=f"{name}_relu0")
    y = graph.conv(y, filters, 3, 1, 1, name=f"{name}_conv1")
    y = graph.batch_norm(y, name=f"{name}_bn1")
    if stride != 1 or graph.shapes[x][0] != filters:
        x = graph.conv(x, filters, 1, stride, name=f"{name}_shortcut_conv")
        x = graph.batch_norm(x, name=f"{name}_shortcut_bn")
    return graph.relu(graph.add(y, x, name=f"{name}_plus"), name=f"{name}_relu1")


def build():
    """The network without its weights."""
    graph = Graph("shapes", (3, pictures.INPUT, pictures.INPUT))
    x = graph.conv(graph.input, WIDTHS[0], 3, 1, 1, name="stem_conv")
    x = graph.relu(graph.batch_norm(x, name="stem_bn"), name="stem_relu")
    x = graph.max_pool(x, 3, 2, 1, name="stem_pool")
    for stage, filters in enumerate(WIDTHS):
        for block in range(BLOCKS):
            stride = 2 if stage > 0 and block == 0 else 1
            x = _residual_block(graph, x, filters, stride, f"stage{stage}_block{block}")
    x = graph.flatten(graph.global_pool(x, name="pool"), name="flatten")
    graph.output = graph.softmax(graph.fully_connected(x, len(shapes.NAMES), name="fc"))
    return graph
