#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes mxnet_results.inc: what MXNet's operators give for small inputs, from their definitions, in double precision.

    python3 test/model/make_mxnet_results.py > test/model/mxnet_results.inc
"""
import itertools
import math

import numpy as np


def source(shape):
    """Element i is ((i * 7919) mod 200) / 100 - 1, as test_mxnet_results.c makes it."""
    count = int(np.prod(shape))
    return (((np.arange(count) * 7919) % 200) / 100 - 1).reshape(shape)


def parameter(shape):
    """Element i is (i * 5 mod 7 + 1) / 4, as write_params makes it."""
    count = int(np.prod(shape))
    return ((np.arange(count) * 5 % 7 + 1) / 4).reshape(shape)


def convolution(x, w, b, stride, pad, dilate, groups):
    n, c, *size = x.shape
    kernel = w.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0)] + [(p, p) for p in pad])
    out = [(s + 2 * p - d * (k - 1) - 1) // t + 1 for s, p, d, k, t in zip(size, pad, dilate, kernel, stride)]
    y = np.zeros([n, w.shape[0]] + out)
    per_group = w.shape[0] // groups
    for f in range(w.shape[0]):
        first = f // per_group * w.shape[1]
        for at in itertools.product(*map(range, out)):
            window = x[(slice(None), slice(first, first + w.shape[1])) +
                       tuple(slice(a * t, a * t + d * (k - 1) + 1, d)
                             for a, t, d, k in zip(at, stride, dilate, kernel))]
            y[(slice(None), f) + at] = (window * w[f]).reshape(n, -1).sum(1) + (0 if b is None else b[f])
    return y


def pooling(x, kernel, stride, pad, kind, full=False, include=True, p=2, same=False):
    size = x.shape[2:]
    if same:
        out = [-(-s // t) for s, t in zip(size, stride)]
    elif full:
        out = [1 + math.ceil((s + 2 * q - k) / t) for s, q, k, t in zip(size, pad, kernel, stride)]
    else:
        out = [1 + (s + 2 * q - k) // t for s, q, k, t in zip(size, pad, kernel, stride)]
    y = np.zeros(x.shape[:2] + tuple(out))
    for at in itertools.product(*map(range, out)):
        start = [a * t - q for a, t, q in zip(at, stride, pad)]
        end = [min(s + k, n + q) for s, k, n, q in zip(start, kernel, size, pad)]
        with_pad = np.prod([e - s for e, s in zip(end, start)])
        inside = [slice(max(s, 0), min(e, n)) for s, e, n in zip(start, end, size)]
        window = x[(slice(None), slice(None)) + tuple(inside)].reshape(x.shape[0], x.shape[1], -1)
        y[(slice(None), slice(None)) + at] = {
            "max": lambda: window.max(2),
            "sum": lambda: window.sum(2),
            "avg": lambda: window.sum(2) / (with_pad if include else window.shape[2]),
            "lp": lambda: (window ** p).sum(2) ** (1 / p)}[kind]()
    return y


def along(v, axis, rank):
    return v.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


def batch_norm(x, g, b, m, v, eps, fix, axis=1):
    g, b, m, v = (along(a, axis, x.ndim) for a in (g, b, m, v))
    return (x - m) / np.sqrt(v + eps) * (1 if fix else g) + b


def lrn(x, size, alpha, beta, knorm):
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(0, c - size // 2):c + size // 2 + 1]
        y[:, c] = x[:, c] * (knorm + alpha / size * (near ** 2).sum(1)) ** -beta
    return y


def standardize(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def l2(x, axes, eps=1e-10):
    return x / np.sqrt((x ** 2).sum(axes, keepdims=True) + eps)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def flat(f, x):
    return f(x.reshape(x.shape[0], -1)).reshape(x.shape)


erf = np.vectorize(math.erf)
CASES = []


def case(op, attributes, shape, params, result, index=0):
    """`params`: {slot: shape}; `result` takes x and the parameters."""
    x = source(shape)
    y = np.asarray(result(x, *(parameter(s) for s in params.values())), dtype=np.float64)
    CASES.append((op, attributes, shape, params, index, y))


def build():
    image = (2, 4, 5, 6)
    w, b = {"weight": (4, 2, 3, 2)}, {"bias": (4,)}
    kernel = "'kernel':'(3, 2)','num_filter':'4'"
    case("Convolution", kernel + ",'num_group':'2','stride':'(2, 1)','pad':'(1, 0)','dilate':'(1, 2)'", image,
         {**w, **b}, lambda x, w, b: convolution(x, w, b, (2, 1), (1, 0), (1, 2), 2))
    case("Convolution", kernel + ",'no_bias':'True'", (1, 2, 4, 4), w,
         lambda x, w: convolution(x, w, None, (1, 1), (0, 0), (1, 1), 1))
    case("Convolution", "'kernel':'(2,)','num_filter':'3','stride':'(2,)'", (2, 2, 7), {"weight": (3, 2, 2), "bias": (3,)},
         lambda x, w, b: convolution(x, w, b, (2,), (0,), (1,), 1))
    case("Convolution", "'kernel':'(3, 2)','num_filter':'3','layout':'NHWC','pad':'(1, 1)'", (1, 4, 5, 2),
         {"weight": (3, 3, 2, 2), "bias": (3,)},
         lambda x, w, b: convolution(x.transpose(0, 3, 1, 2), w.transpose(0, 3, 1, 2), b, (1, 1), (1, 1), (1, 1),
                                     1).transpose(0, 2, 3, 1))
    dense = {"weight": (3, 8), "bias": (3,)}
    case("FullyConnected", "'num_hidden':'3'", (2, 2, 4), dense, lambda x, w, b: x.reshape(2, 8) @ w.T + b)
    case("FullyConnected", "'num_hidden':'3','flatten':'False'", (2, 2, 8), dense, lambda x, w, b: x @ w.T + b)
    case("FullyConnected", "'num_hidden':'3'", (2, 8), {"weight": (3, 8), "bias": (3, 1)},
         lambda x, w, b: x @ w.T + b.reshape(3))
    case("Embedding", "'input_dim':'3','output_dim':'2'", (2, 3), {"weight": (3, 2)},
         lambda x, w: w[np.clip(np.trunc(x).astype(int), 0, 2)])
    window = "'kernel':'(3, 2)','stride':'(2, 2)','pad':'(1, 0)'"
    for kind in ("max", "avg", "sum", "lp"):
        more = ",'p_value':'2'" if kind == "lp" else ""
        for full in (False, True):
            convention = "full" if full else "valid"
            case("Pooling", f"{window},'pool_type':'{kind}','pooling_convention':'{convention}'{more}", (1, 2, 6, 5), {},
                 lambda x, kind=kind, full=full: pooling(x, (3, 2), (2, 2), (1, 0), kind, full))
    case("Pooling", window + ",'pool_type':'avg','count_include_pad':'False','pooling_convention':'full'", (1, 2, 6, 5), {},
         lambda x: pooling(x, (3, 2), (2, 2), (1, 0), "avg", True, False))
    case("Pooling", "'kernel':'(7, 7)','global_pool':'True','pool_type':'avg'", image, {},
         lambda x: x.mean((2, 3), keepdims=True))
    case("Pooling", "'kernel':'(2, 2)','global_pool':'True','layout':'NHWC'", image, {},
         lambda x: x.max((1, 2), keepdims=True))
    case("Pooling", "'kernel':'(3,)','stride':'(2,)','pool_type':'avg','pooling_convention':'same'", (1, 2, 6), {},
         lambda x: pooling(x, (3,), (2,), (0,), "avg", same=True))
    case("Pooling", "'kernel':'(3,)','stride':'(2,)','pooling_convention':'same'", (1, 2, 6), {},
         lambda x: pooling(x, (3,), (2,), (0,), "max", same=True))
    statistics = {"gamma": (4,), "beta": (4,), "moving_mean": (4,), "moving_var": (4,)}
    case("BatchNorm", "", (1, 4, 2, 2), statistics, lambda x, g, b, m, v: batch_norm(x, g, b, m, v, 1e-3, True))
    case("BatchNorm", "'fix_gamma':'False','eps':'0.1','axis':'-1'", (1, 2, 2, 4), statistics,
         lambda x, g, b, m, v: batch_norm(x, g, b, m, v, 0.1, False, -1))
    case("LRN", "'nsize':'3','alpha':'0.3','beta':'0.75','knorm':'2'", (1, 4, 2, 2), {},
         lambda x: lrn(x, 3, 0.3, 0.75, 2))
    case("L2Normalization", "", (2, 2, 3), {}, lambda x: l2(x, (1, 2)))
    case("L2Normalization", "'mode':'channel'", (2, 2, 3), {}, lambda x: l2(x, 1))
    case("L2Normalization", "'mode':'spatial','eps':'0.5'", (2, 2, 3), {}, lambda x: l2(x, 2, 0.5))
    scales = {"gamma": (3,), "beta": (3,)}
    case("InstanceNorm", "'eps':'0.01'", (2, 3, 2, 2), scales,
         lambda x, g, b: standardize(x, (2, 3), 0.01) * along(g, 1, 4) + along(b, 1, 4))
    case("LayerNorm", "", (2, 2, 3), scales, lambda x, g, b: standardize(x, -1, 1e-5) * g + b)
    case("LayerNorm", "'axis':'1','eps':'0.1'", (2, 3, 2), scales,
         lambda x, g, b: standardize(x, 1, 0.1) * along(g, 1, 3) + along(b, 1, 3))
    case("GroupNorm", "'num_groups':'2','eps':'0.1'", (2, 6, 2), {"gamma": (2,), "beta": (2,)},
         lambda x, g, b: (standardize(x.reshape(2, 2, 6), 2, 0.1) * along(g, 1, 3) + along(b, 1, 3)).reshape(2, 6, 2))
    case("Dropout", "'p':'0.9'", (2, 3), {}, lambda x: x)
    row = (2, 6)
    functions = {"relu": lambda x: np.maximum(x, 0), "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh,
                 "softrelu": lambda x: np.log1p(np.exp(x)), "softsign": lambda x: x / (1 + abs(x))}
    for name, function in functions.items():
        case("Activation", f"'act_type':'{name}'", row, {}, function)
    leaky = {"leaky": lambda x: np.where(x > 0, x, 0.3 * x), "elu": lambda x: np.where(x > 0, x, 0.3 * np.expm1(x)),
             "rrelu": lambda x: np.where(x > 0, x, 0.229500 * x),
             "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543773 * np.expm1(x)),
             "gelu": lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))}
    for name, function in leaky.items():
        case("LeakyReLU", f"'act_type':'{name}','slope':'0.3'", row, {}, function)
    case("LeakyReLU", "'act_type':'prelu'", (1, 3, 2, 2), {"gamma": (3,)},
         lambda x, g: np.where(x > 0, x, along(g, 1, 4) * x))
    case("LeakyReLU", "'act_type':'prelu'", (1, 3, 2), {"gamma": (1,)}, lambda x, g: np.where(x > 0, x, g[0] * x))
    case("hard_sigmoid", "'alpha':'0.4'", row, {}, lambda x: np.clip(0.4 * x + 0.5, 0, 1))
    case("clip", "'a_min':'-0.5','a_max':'6e-1'", row, {}, lambda x: np.clip(x, -0.5, 0.6))
    case("LogisticRegressionOutput", "", row, {}, functions["sigmoid"])
    scalars = {"_plus": lambda x: x + 3, "_minus": lambda x: x - 3, "_rminus": lambda x: 3 - x, "_mul": lambda x: x * 3,
               "_div": lambda x: x / 3, "_rdiv": lambda x: 3 / x, "_maximum": lambda x: np.maximum(x, 3),
               "_minimum": lambda x: np.minimum(x, 3), "_power": lambda x: x ** 3, "_rpower": lambda x: 3 ** x}
    for name, function in scalars.items():
        case(name + "_scalar", "'scalar':'3'", row, {}, function)
    case("_minimum_scalar", "'scalar':'0.25','is_int':'False'", row, {}, lambda x: np.minimum(x, 0.25))
    for number in ("0.375", "-0.375", "0"):
        divisor = float(number)
        case("_mod_scalar", f"'scalar':'{number}'", row, {}, lambda x: np.mod(x, divisor) if divisor else 0 * x)
    case("_rmod_scalar", "'scalar':'3'", row, {}, lambda x: np.mod(3, x))
    case("_ModScalar", "'scalar':'0.375'", row, {}, lambda x: np.mod(x, 0.375))
    case("_hypot_scalar", "'scalar':'2'", row, {}, lambda x: np.hypot(x, 2))
    comparisons = {"equal": np.equal, "not_equal": np.not_equal, "greater": np.greater, "lesser": np.less,
                   "greater_equal": np.greater_equal, "lesser_equal": np.less_equal, "logical_and": np.logical_and,
                   "logical_or": np.logical_or, "logical_xor": np.logical_xor}
    for name, function in comparisons.items():
        case(f"_{name}_scalar", "'scalar':'0'", row, {}, lambda x: function(x, 0).astype(float))
        case(f"broadcast_{name}", "", row, {}, lambda x: function(x, x).astype(float))
    case("_mod", "", row, {}, lambda x: 0 * x)
    case("broadcast_hypot", "", row, {}, lambda x: math.sqrt(2) * abs(x))
    plain = {"expm1": np.expm1, "cbrt": np.cbrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
             "arctan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "arcsinh": np.arcsinh, "degrees": np.degrees,
             "radians": np.radians, "arcsin": np.arcsin, "arccos": np.arccos, "rcbrt": lambda x: 1 / np.cbrt(x)}
    for name, function in plain.items():
        case(name, "", (2, 3), {}, function)
    case("logical_not", "", row, {}, lambda x: (x == 0).astype(float))
    for name in ("fix", "trunc"):
        case(name, "", row, {}, np.trunc)
    case("round", "", (2, 100), {}, lambda x: np.sign(x) * np.floor(abs(x) + 0.5))
    case("rint", "", (2, 100), {}, lambda x: np.ceil(x - 0.5))
    case("elemwise_add", "", row, {}, lambda x: x + x)
    case("add_n", "'num_args':'2'", row, {}, lambda x: x + x)
    case("ones_like", "", row, {}, np.ones_like)
    case("Cast", "'dtype':'float16'", row, {}, lambda x: x)
    case("square", "", row, {}, np.square)
    case("negative", "", row, {}, np.negative)
    case("SoftmaxOutput", "", (2, 2, 3), {}, lambda x: flat(lambda v: softmax(v, 1), x))
    case("SoftmaxOutput", "'multi_output':'1'", (2, 2, 3), {}, lambda x: softmax(x, 1))
    case("SoftmaxOutput", "'preserve_shape':'1'", (2, 2, 3), {}, lambda x: softmax(x, 2))
    case("SoftmaxActivation", "'mode':'channel'", (2, 2, 3), {}, lambda x: softmax(x, 1))
    case("SoftmaxActivation", "", (2, 2, 3), {}, lambda x: softmax(x, -1))
    case("softmax", "'axis':'0','temperature':'2.5'", row, {}, lambda x: softmax(x / 2.5, 0))
    case("log_softmax", "", row, {}, lambda x: np.log(softmax(x, 1)))
    case("softmin", "", row, {}, lambda x: softmax(-x, 1))
    cube = (2, 3, 4)
    for name in ("sum", "mean", "prod", "max", "min"):
        case(name, "'axis':'1'", cube, {}, lambda x, name=name: getattr(x, name)(1))
    case("sum", "'axis':'()'", cube, {}, lambda x: x.sum().reshape(1))
    case("mean", "'axis':'(0, 2)','exclude':'True','keepdims':'True'", cube, {}, lambda x: x.mean(1, keepdims=True))
    case("norm", "", cube, {}, lambda x: np.sqrt((x ** 2).sum()).reshape(1))
    case("norm", "'ord':'1','axis':'-1'", cube, {}, lambda x: abs(x).sum(-1))
    case("argmax", "'axis':'2'", cube, {}, lambda x: x.argmax(2))
    case("argmin", "'axis':'-2','keepdims':'1'", cube, {}, lambda x: np.expand_dims(x.argmin(1), 1))
    case("argmax", "", cube, {}, lambda x: x.argmax().reshape(1))
    case("argmax_channel", "", (2, 5), {}, lambda x: x.argmax(1))
    for target, shape in (("(4, 0, 0)", None), ("(6,1,-1)", (6, 1, 4)), ("(0,-1)", (2, 12)), ("(-2,)", cube),
                          ("(-3,-2)", (6, 4)), ("(-1,-2)", (2, 3, 4)), ("(0,-3)", (2, 12)),
                          ("(-4,1,2,-2)", (1, 2, 3, 4)), ("(0,0,-4,-1,2)", (2, 3, 2, 2)), ("(2,-4,-1,3,4)", (2, 1, 3, 4)),
                          ("(24,)", (24,))):
        if shape:
            case("Reshape", f"'shape':'{target}'", cube, {}, lambda x, shape=shape: x.reshape(shape))
    # From the end: 4 stays, 3 stays, what is left is 2; and (8,3) becomes (4,6), where 0 copies from the end.
    case("Reshape", "'shape':'(-1, 0)','reverse':'True'", cube, {}, lambda x: x.reshape(6, 4))
    case("Reshape", "'shape':'(-1, 0)'", (8, 3), {}, lambda x: x.reshape(8, 3))
    case("Reshape", "'target_shape':'(0, 6)'", cube, {}, lambda x: x.reshape(4, 6))
    case("Reshape", "'target_shape':'(0, 0)','keep_highest':'True'", cube, {}, lambda x: x.reshape(2, 12))
    case("Flatten", "", cube, {}, lambda x: x.reshape(2, 12))
    case("Flatten", "", (5,), {}, lambda x: x.reshape(5, 1))
    case("transpose", "", cube, {}, lambda x: x.T)
    case("transpose", "'axes':'(1, 2, 0)'", cube, {}, lambda x: x.transpose(1, 2, 0))
    case("SwapAxis", "'dim1':'0','dim2':'2'", cube, {}, lambda x: x.swapaxes(0, 2))
    case("expand_dims", "'axis':'-1'", cube, {}, lambda x: x[..., None])
    case("squeeze", "", (2, 1, 3, 1), {}, lambda x: x.squeeze())
    case("squeeze", "'axis':'1'", (2, 1, 3, 1), {}, lambda x: x.squeeze(1))
    case("slice", "'begin':'(0, None, -3)','end':'(1, 2, None)'", cube, {}, lambda x: x[0:1, :2, -3:])
    case("slice", "'begin':'(None, 2)','end':'(None, None)','step':'(1, -2)'", cube, {}, lambda x: x[:, 2::-2])
    case("slice_axis", "'axis':'-1','begin':'1','end':'-1'", cube, {}, lambda x: x[..., 1:-1])
    case("SliceChannel", "'num_outputs':'2','axis':'2'", cube, {}, lambda x: x[..., 2:], index=1)
    case("SliceChannel", "'num_outputs':'3','squeeze_axis':'True'", cube, {}, lambda x: x[:, 2], index=2)
    case("Concat", "'dim':'-1','num_args':'2'", cube, {}, lambda x: np.concatenate([x, x], -1))
    case("stack", "'axis':'1','num_args':'2'", cube, {}, lambda x: np.stack([x, x], 1))
    case("stack", "'axis':'-1','num_args':'2'", cube, {}, lambda x: np.stack([x, x], -1))
    case("flip", "'axis':'(0, 2)'", cube, {}, lambda x: x[::-1, :, ::-1])
    pads = ((0, 0), (0, 0), (1, 0), (2, 1))
    for mode in ("constant", "edge", "reflect"):
        more = {"constant_values": 7} if mode == "constant" else {}
        case("Pad", f"'mode':'{mode}','pad_width':'(0,0,0,0,1,0,2,1)','constant_value':'7'", (1, 2, 2, 3), {},
             lambda x, mode=mode, more=more: np.pad(x, pads, mode, **more))
    case("Crop", "'num_args':'1','offset':'(1, 2)','h_w':'(2, 3)'", (1, 2, 4, 6), {}, lambda x: x[:, :, 1:3, 2:5])
    case("UpSampling", "'scale':'2','sample_type':'nearest','num_args':'1'", (1, 2, 2, 3), {},
         lambda x: x.repeat(2, 2).repeat(2, 3))
    case("_contrib_AdaptiveAvgPooling2D", "'output_size':'1'", (1, 2, 4, 6), {}, lambda x: x.mean((2, 3), keepdims=True))
    case("dot", "'transpose_b':'True'", (3, 4), {}, lambda x: x @ x.T)
    case("_npi_true_divide_scalar", "'scalar':'4'", cube, {}, lambda x: x / 4)
    case("tile", "'reps':'(2, 1, 3)'", cube, {}, lambda x: np.tile(x, (2, 1, 3)))
    case("tile", "'reps':'2'", cube, {}, lambda x: np.tile(x, 2))
    case("tile", "'reps':'(2, 2, 1)'", (5,), {}, lambda x: np.tile(x, (2, 2, 1)))
    case("repeat", "'repeats':'3'", (2, 3), {}, lambda x: x.repeat(3))
    case("repeat", "'repeats':'2','axis':'-2'", cube, {}, lambda x: x.repeat(2, -2))
    case("broadcast_to", "'shape':'(0, 3, 4)'", (2, 1, 4), {}, lambda x: np.broadcast_to(x, cube))
    case("broadcast_axis", "'axis':'(0, 2)','size':'(2, 3)'", (1, 4, 1), {}, lambda x: np.broadcast_to(x, (2, 4, 3)))
    case("depth_to_space", "'block_size':'2'", (1, 8, 2, 3), {},
         lambda x: x.reshape(1, 2, 2, 2, 2, 3).transpose(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6))
    case("space_to_depth", "'block_size':'2'", (1, 2, 4, 6), {},
         lambda x: x.reshape(1, 2, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(1, 8, 2, 3))
    case("shape_array", "", cube, {}, lambda x: np.array(x.shape))


def numbers(values):
    return ", ".join(f"{v:.9g}" for v in values)


def main():
    build()
    print("// SPDX-License-Identifier: Apache-2.0")
    print("/* Made by make_mxnet_results.py; do not edit. */")
    for op, attributes, shape, params, index, y in CASES:
        spec = "".join(f"{name} {','.join(map(str, s))};" for name, s in params.items())
        print(f'{{"{op}", "{attributes}", "{spec}", {len(shape)}, {{{numbers(shape)}}}, {index}, {y.ndim}, '
              f'{{{numbers(y.shape)}}}, (const float[]){{{numbers(y.reshape(-1))}}}}},')


main()
