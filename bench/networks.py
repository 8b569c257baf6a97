# SPDX-License-Identifier: Apache-2.0
"""The networks the benches run: ImageNet classifiers, 3 x 224 x 224 in, 1000 classes out, without weights.

Layer tables follow the papers; where a paper leaves room, the variant is named at the function. In every residual
`add` the branch comes first and the shortcut second, which random_weights.py relies on.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))

from cachedop_models.graph import Graph  # noqa: E402

CLASSES = 1000
INPUT = (3, 224, 224)


def _classify(graph, x):
    """Global pooling, a fully connected layer and softmax."""
    x = graph.flatten(graph.global_pool(x))
    graph.output = graph.softmax(graph.fully_connected(x, CLASSES))
    return graph


def _conv_bn(graph, x, filters, kernel, stride=1, pad=0, groups=1):
    return graph.batch_norm(graph.conv(x, filters, kernel, stride, pad, groups))


def _basic_block(graph, x, filters, stride):
    y = graph.relu(_conv_bn(graph, x, filters, 3, stride, 1))
    return _conv_bn(graph, y, filters, 3, 1, 1)


def _bottleneck(graph, x, filters, stride):
    """v1.5: the 3 x 3 convolution carries the stride, not the first 1 x 1."""
    y = graph.relu(_conv_bn(graph, x, filters // 4, 1))
    y = graph.relu(_conv_bn(graph, y, filters // 4, 3, stride, 1))
    return _conv_bn(graph, y, filters, 1)


def _resnet(name, block, widths, counts):
    """He et al. 2015, post-activation."""
    graph = Graph(name, INPUT)
    x = graph.relu(_conv_bn(graph, graph.input, 64, 7, 2, 3))
    x = graph.max_pool(x, 3, 2, 1)
    for stage, (filters, count) in enumerate(zip(widths, counts)):
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            y = block(graph, x, filters, stride)
            if stride != 1 or graph.shapes[x][0] != filters:
                x = _conv_bn(graph, x, filters, 1, stride)
            x = graph.relu(graph.add(y, x))
    return _classify(graph, x)


def _basic_block_v2(graph, x, filters, stride):
    y = graph.relu(graph.batch_norm(graph.conv(x, filters, 3, stride, 1)))
    return graph.conv(y, filters, 3, 1, 1)


def _bottleneck_v2(graph, x, filters, stride):
    y = graph.relu(graph.batch_norm(graph.conv(x, filters // 4, 1)))
    y = graph.relu(graph.batch_norm(graph.conv(y, filters // 4, 3, stride, 1)))
    return graph.conv(y, filters, 1)


def _resnet_v2(name, block, widths, counts):
    """He et al. 2016, pre-activation; a shortcut that changes the shape starts from what is activated."""
    graph = Graph(name, INPUT)
    x = graph.max_pool(graph.relu(_conv_bn(graph, graph.input, 64, 7, 2, 3)), 3, 2, 1)
    for stage, (filters, count) in enumerate(zip(widths, counts)):
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            activated = graph.relu(graph.batch_norm(x))
            y = block(graph, activated, filters, stride)
            if stride != 1 or graph.shapes[x][0] != filters:
                x = graph.conv(activated, filters, 1, stride)
            x = graph.add(y, x)
    return _classify(graph, graph.relu(graph.batch_norm(x)))


def resnet18():
    return _resnet("resnet18", _basic_block, (64, 128, 256, 512), (2, 2, 2, 2))


def resnet50():
    return _resnet("resnet50", _bottleneck, (256, 512, 1024, 2048), (3, 4, 6, 3))


def resnet152():
    return _resnet("resnet152", _bottleneck, (256, 512, 1024, 2048), (3, 8, 36, 3))


def resnet18_v2():
    return _resnet_v2("resnet18_v2", _basic_block_v2, (64, 128, 256, 512), (2, 2, 2, 2))


def resnet50_v2():
    return _resnet_v2("resnet50_v2", _bottleneck_v2, (256, 512, 1024, 2048), (3, 4, 6, 3))


def resnet152_v2():
    return _resnet_v2("resnet152_v2", _bottleneck_v2, (256, 512, 1024, 2048), (3, 8, 36, 3))


def vgg16():
    """Simonyan and Zisserman 2014, configuration D; has no batch norm."""
    graph = Graph("vgg16", INPUT)
    x = graph.input
    for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = graph.relu(graph.conv(x, filters, 3, 1, 1, bias=True))
        x = graph.max_pool(x, 2, 2)
    x = graph.flatten(x)
    for _ in range(2):
        x = graph.dropout(graph.relu(graph.fully_connected(x, 4096)))
    graph.output = graph.softmax(graph.fully_connected(x, CLASSES))
    return graph


def _inception_conv(graph, x, filters, kernel, stride=1, pad=0):
    """Old MXNet models keep the convolution's bias before the batch norm and ignore gamma."""
    x = graph.conv(x, filters, kernel, stride, pad, bias=True)
    return graph.relu(graph.batch_norm(x, fix_gamma=True))


def _inception(graph, x, one, three, double, pool, projection):
    """`one` is the plain 1 x 1 width; `three` and `double` are (reduction, width) pairs."""
    a = _inception_conv(graph, x, one, 1)
    b = _inception_conv(graph, _inception_conv(graph, x, three[0], 1), three[1], 3, 1, 1)
    c = _inception_conv(graph, _inception_conv(graph, x, double[0], 1), double[1], 3, 1, 1)
    c = _inception_conv(graph, c, double[1], 3, 1, 1)
    d = graph.max_pool(x, 3, 1, 1) if pool == "max" else graph.average_pool(x, 3, 1, 1)
    return graph.concat([a, b, c, _inception_conv(graph, d, projection, 1)])


def _inception_downsample(graph, x, three, double):
    b = _inception_conv(graph, _inception_conv(graph, x, three[0], 1), three[1], 3, 2, 1)
    c = _inception_conv(graph, _inception_conv(graph, x, double[0], 1), double[1], 3, 1, 1)
    c = _inception_conv(graph, c, double[1], 3, 2, 1)
    return graph.concat([b, c, graph.max_pool(x, 3, 2, 1)])


def inception_bn():
    """Ioffe and Szegedy 2015; the two first poolings round up, as Caffe's did."""
    graph = Graph("inception_bn", INPUT)
    x = _inception_conv(graph, graph.input, 64, 7, 2, 3)
    x = graph.max_pool(x, 3, 2, ceil=True)
    x = _inception_conv(graph, _inception_conv(graph, x, 64, 1), 192, 3, 1, 1)
    x = graph.max_pool(x, 3, 2, ceil=True)
    x = _inception(graph, x, 64, (64, 64), (64, 96), "avg", 32)
    x = _inception(graph, x, 64, (64, 96), (64, 96), "avg", 64)
    x = _inception_downsample(graph, x, (128, 160), (64, 96))
    x = _inception(graph, x, 224, (64, 96), (96, 128), "avg", 128)
    x = _inception(graph, x, 192, (96, 128), (96, 128), "avg", 128)
    x = _inception(graph, x, 160, (128, 160), (128, 160), "avg", 128)
    x = _inception(graph, x, 96, (128, 192), (160, 192), "avg", 128)
    x = _inception_downsample(graph, x, (128, 192), (192, 256))
    x = _inception(graph, x, 352, (192, 320), (160, 224), "avg", 128)
    x = _inception(graph, x, 352, (192, 320), (192, 224), "max", 128)
    return _classify(graph, x)


def mobilenet_v1():
    """Howard et al. 2017, width 1.0."""
    graph = Graph("mobilenet_v1", INPUT)
    x = graph.relu(_conv_bn(graph, graph.input, 32, 3, 2, 1))
    for filters, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1),
                            (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)):
        channels = graph.shapes[x][0]
        x = graph.relu(_conv_bn(graph, x, channels, 3, stride, 1, groups=channels))
        x = graph.relu(_conv_bn(graph, x, filters, 1))
    return _classify(graph, x)


def mobilenet_v2():
    """Sandler et al. 2018, width 1.0."""
    graph = Graph("mobilenet_v2", INPUT)
    x = graph.clip(_conv_bn(graph, graph.input, 32, 3, 2, 1))
    for expansion, filters, count, first_stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(count):
            stride = first_stride if i == 0 else 1
            y, channels = x, graph.shapes[x][0] * expansion
            if expansion != 1:
                y = graph.clip(_conv_bn(graph, y, channels, 1))
            y = graph.clip(_conv_bn(graph, y, channels, 3, stride, 1, groups=channels))
            y = _conv_bn(graph, y, filters, 1)
            x = graph.add(y, x) if stride == 1 and graph.shapes[x][0] == filters else y
    x = graph.clip(_conv_bn(graph, x, 1280, 1))
    return _classify(graph, x)


def squeezenet():
    """Iandola et al. 2016, version 1.1; has no batch norm."""
    graph = Graph("squeezenet", INPUT)

    def conv(x, filters, kernel, stride=1, pad=0):
        return graph.relu(graph.conv(x, filters, kernel, stride, pad, bias=True))

    x = graph.max_pool(conv(graph.input, 64, 3, 2), 3, 2, ceil=True)
    for squeeze, expand, downsample in ((16, 64, False), (16, 64, True), (32, 128, False), (32, 128, True),
                                        (48, 192, False), (48, 192, False), (64, 256, False), (64, 256, False)):
        x = conv(x, squeeze, 1)
        x = graph.concat([conv(x, expand, 1), conv(x, expand, 3, 1, 1)])
        if downsample:
            x = graph.max_pool(x, 3, 2, ceil=True)
    x = conv(graph.dropout(x), CLASSES, 1)
    graph.output = graph.softmax(graph.flatten(graph.global_pool(x)))
    return graph


def densenet121():
    """Huang et al. 2016, growth 32, bottleneck and compression."""
    graph = Graph("densenet121", INPUT)
    x = graph.relu(_conv_bn(graph, graph.input, 64, 7, 2, 3))
    x = graph.max_pool(x, 3, 2, 1)
    counts = (6, 12, 24, 16)
    for stage, count in enumerate(counts):
        for _ in range(count):
            y = graph.conv(graph.relu(graph.batch_norm(x)), 128, 1)
            y = graph.conv(graph.relu(graph.batch_norm(y)), 32, 3, 1, 1)
            x = graph.concat([x, y])
        x = graph.relu(graph.batch_norm(x))
        if stage + 1 < len(counts):
            x = graph.average_pool(graph.conv(x, graph.shapes[x][0] // 2, 1), 2, 2)
    return _classify(graph, x)


NETWORKS = {build.__name__: build for build in (resnet18, resnet50, resnet152, resnet18_v2, resnet50_v2,
                                                resnet152_v2, vgg16, inception_bn, mobilenet_v1,
                                                mobilenet_v2, squeezenet, densenet121)}
