# SPDX-License-Identifier: Apache-2.0
"""Describes a convolution network once and writes it as an MXNet model and as an ONNX model.

graph.py holds the description and the weights, mxnet_writer.py and onnx_writer.py write files, forward.py computes
the outputs with numpy as a check. Needs numpy, nothing else.
"""
