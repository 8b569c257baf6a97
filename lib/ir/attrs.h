// SPDX-License-Identifier: Apache-2.0
/*
 * The attributes of every operator. Plain values without pointers or shared state: they are copied,
 * hashed and compared as bytes, so always make them zeroed. Where an attribute may also come as an
 * input, the input, when present, wins.
 */
#ifndef IR_ATTRS_H
#define IR_ATTRS_H

#include <stdbool.h>
#include <stdint.h>

#include <cachedop/dtype.h>

#define COP_MAX_SPATIAL 3

struct no_attrs {
    char unused;
};

enum auto_pad {
    AUTO_PAD_EXPLICIT,   /* pads_begin and pads_end as given */
    AUTO_PAD_SAME_UPPER, /* dst = ceil(src / stride); an odd rest goes to the end */
    AUTO_PAD_SAME_LOWER, /* … to the beginning */
    AUTO_PAD_VALID,      /* none */
};

/*
 * Cross-correlation. src [n,ic,spatial…], weights [oc,ic/groups,kernel…], bias [oc]. Spatial rank 1
 * to 3 is that of the weights. A zero stride or dilation means 1, so a zeroed struct is the plain
 * convolution; groups 0 means 1.
 */
struct convolution_attrs {
    int64_t strides[COP_MAX_SPATIAL], dilations[COP_MAX_SPATIAL];
    int64_t pads_begin[COP_MAX_SPATIAL], pads_end[COP_MAX_SPATIAL];
    int64_t kernel[COP_MAX_SPATIAL]; /* 0: not stated; else must equal the weights' */
    int64_t groups;
    int64_t output_channels; /* 0: not stated; else must equal the weights' and lets their shape be
                                inferred */
    enum auto_pad auto_pad;
};

/* alpha · op(a) · op(b) + beta · c, c broadcast to [m,n]. Both sides are matrices. */
struct gemm_attrs {
    float alpha, beta;
    bool trans_a, trans_b;
};

/* numpy.matmul, with the last two dimensions of a side swapped first if asked. */
struct matmul_attrs {
    bool trans_a, trans_b;
};

enum pooling_alg { POOLING_MAX, POOLING_AVERAGE, POOLING_SUM, POOLING_LP };

/* src [n,c,spatial…] with spatial rank 1 to 3. */
struct pooling_attrs {
    enum pooling_alg alg;
    bool is_global;         /* the window is the whole plane; the other geometry is ignored */
    bool ceil_mode;         /* the last window may hang over the end */
    bool drop_last_outside; /* with ceil_mode: no window that starts beyond src and its leading pad
                             */
    bool count_include_pad; /* average: pads count, clipped at src + pads_end */
    bool signed_lp;         /* LP: x^p as it is (MXNet) rather than |x|^p */
    int spatial_rank;       /* of the arrays below; 0 when global */
    int64_t kernel[COP_MAX_SPATIAL], strides[COP_MAX_SPATIAL],
        dilations[COP_MAX_SPATIAL]; /* 0 means 1 */
    int64_t pads_begin[COP_MAX_SPATIAL], pads_end[COP_MAX_SPATIAL];
    enum auto_pad auto_pad;
    int64_t p;
    bool column_major_indices; /* of the second output: int64 flat positions in the whole src */
};

/* (src − mean) / sqrt(variance + epsilon) · scale + shift over `axis`. */
struct batch_normalization_attrs {
    double epsilon;
    int64_t axis;    /* 1 as a rule; negative counts from the end */
    bool unit_scale; /* the stored scale is ignored and 1 taken (MXNet fix_gamma) */
};

/* src / (bias + alpha / size · Σ src²)^beta over `size` channels (axis 1) around each. */
struct lrn_attrs {
    int64_t size;
    float alpha, beta, bias;
};

struct softmax_attrs {
    int64_t axis;
    bool is_log;
    bool coerce_2d;    /* over all dimensions from `axis` on, as one */
    float temperature; /* 0 means 1 */
};

/* X(KIND, "Name"): what alpha and beta mean stands beside it. */
#define COP_UNARY_LIST(X)                                                                          \
    X(RELU, "Relu")                                                                                \
    X(LEAKY_RELU, "LeakyRelu") /* x < 0: alpha · x */                                             \
    X(ELU, "Elu")              /* x < 0: alpha · (e^x − 1) */                                   \
    X(SELU, "Selu")            /* beta · (x > 0 ? x : alpha · (e^x − 1)) */                    \
    X(SIGMOID, "Sigmoid")                                                                          \
    X(TANH, "Tanh")                                                                                \
    X(SOFTPLUS, "Softplus")        /* log(1 + e^x) */                                              \
    X(SOFTSIGN, "Softsign")        /* x / (1 + |x|) */                                             \
    X(HARD_SIGMOID, "HardSigmoid") /* clip(alpha · x + beta, 0, 1) */                             \
    X(HARD_SWISH, "HardSwish")     /* x · clip(alpha · x + beta, 0, 1); 1/6 and 1/2 as a rule */ \
    X(CLIP, "Clip")                /* min(max(x, alpha), beta); NaN stays */                       \
    X(GELU, "Gelu")                /* x / 2 · (1 + erf(x / sqrt 2)) */                            \
    X(LINEAR, "Linear")            /* alpha · x + beta */                                         \
    X(EXP, "Exp")                                                                                  \
    X(LOG, "Log")                                                                                  \
    X(SQRT, "Sqrt")                                                                                \
    X(RSQRT, "Rsqrt")                                                                              \
    X(SQUARE, "Square")                                                                            \
    X(ABS, "Abs")                                                                                  \
    X(NEG, "Neg")                                                                                  \
    X(RECIPROCAL, "Reciprocal")                                                                    \
    X(FLOOR, "Floor")                                                                              \
    X(CEIL, "Ceil")                                                                                \
    X(ROUND_EVEN, "Round")                                                                         \
    X(SIGN, "Sign")                                                                                \
    X(ERF, "Erf")                                                                                  \
    X(LOG1P, "Log1p") /* log(1 + x) */                                                             \
    X(EXPM1, "Expm1") /* e^x − 1 */                                                              \
    X(CBRT, "Cbrt")                                                                                \
    X(SIN, "Sin")                                                                                  \
    X(COS, "Cos")                                                                                  \
    X(TAN, "Tan")                                                                                  \
    X(ASIN, "Asin")                                                                                \
    X(ACOS, "Acos")                                                                                \
    X(ATAN, "Atan")                                                                                \
    X(SINH, "Sinh")                                                                                \
    X(COSH, "Cosh")                                                                                \
    X(ASINH, "Asinh")                                                                              \
    X(ACOSH, "Acosh")                                                                              \
    X(ATANH, "Atanh")

enum unary_alg {
#define UNARY_ENUM(kind, name) UNARY_##kind,
    COP_UNARY_LIST(UNARY_ENUM)
#undef UNARY_ENUM
        UNARY_ALG_COUNT
};

struct unary_attrs {
    enum unary_alg alg;
    float alpha, beta;
};

#define COP_BINARY_LIST(X)                                                                         \
    X(ADD, "Add")                                                                                  \
    X(SUB, "Sub")                                                                                  \
    X(MUL, "Mul")                                                                                  \
    X(DIV, "Div") /* integers: towards zero */                                                     \
    X(MAX, "Max")                                                                                  \
    X(MIN, "Min")                                                                                  \
    X(POW, "Pow")                                                                                  \
    X(MOD, "Mod") /* the sign of b; 0 where b is 0 */                                              \
    X(HYPOT, "Hypot")                                                                              \
    X(EQUAL, "Equal") /* from here on 1 or 0, in the dtype of both */                              \
    X(NOT_EQUAL, "NotEqual")                                                                       \
    X(GREATER, "Greater")                                                                          \
    X(GREATER_EQUAL, "GreaterEqual")                                                               \
    X(LESS, "Less")                                                                                \
    X(LESS_EQUAL, "LessEqual")                                                                     \
    X(AND, "And") /* what is not 0 is true, NaN too */                                             \
    X(OR, "Or")                                                                                    \
    X(XOR, "Xor")

enum binary_alg {
#define BINARY_ENUM(kind, name) BINARY_##kind,
    COP_BINARY_LIST(BINARY_ENUM)
#undef BINARY_ENUM
        BINARY_ALG_COUNT
};

/* numpy broadcasting of both sides; one dtype. */
struct binary_attrs {
    enum binary_alg alg;
    bool same_shape; /* no broadcasting: shapes must be equal */
    bool align_left; /* ONNX before 7: b's dimensions start at `axis` of a */
    bool is_vector;  /* b has one element for each of a along `axis`, where nothing else is known */
    int64_t axis;
};

/* x < 0: slope · x. */
struct prelu_attrs {
    bool channel_slope; /* a slope of rank 1 lies along axis 1; otherwise numpy broadcasting */
};

enum reduce_alg { REDUCE_MEAN, REDUCE_SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD };

struct reduce_attrs {
    enum reduce_alg alg;
    bool keep_dims;
    bool exclude;             /* reduce the axes that are not named */
    bool identity_if_no_axes; /* otherwise no axes means all */
    bool rank_at_least_1;     /* a full reduction gives [1] rather than a scalar */
    int axis_count;
    int64_t axes[COP_MAX_RANK];
};

/* The position of the largest or smallest element along an axis. */
struct arg_attrs {
    bool is_min;
    bool keep_dims;
    bool select_last; /* of equal elements */
    bool flatten;     /* over the whole tensor instead of an axis */
    int64_t axis;
    cop_dtype dst_dtype; /* COP_DTYPE_UNKNOWN: int64 */
};

struct concat_attrs {
    int64_t axis;
};

/* Equal parts, or the sizes that the second source gives. */
struct split_attrs {
    int64_t axis;
    bool squeeze_axis; /* parts of size 1 lose the axis */
};

/* As numpy slicing: negative indices count from the end, out-of-range ones are clamped, steps may
 * be negative. */
struct slice_attrs {
    int count; /* of the arrays below; used when only src is present */
    int64_t starts[COP_MAX_RANK], ends[COP_MAX_RANK], axes[COP_MAX_RANK],
        steps[COP_MAX_RANK]; /* step 0 means 1 */
};

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE };

/* Negative pads cut. */
struct pad_attrs {
    enum pad_mode mode;
    int rank; /* of the arrays below */
    int64_t begin[COP_MAX_RANK], end[COP_MAX_RANK];
    float value;
};

struct transpose_attrs {
    int rank; /* of perm; 0: reverse all dimensions */
    int perm[COP_MAX_RANK];
};

#define COP_MAX_RESHAPE 16

struct reshape_attrs {
    bool is_mxnet;   /* 0 −1 −2 −3 −4 of MXNet; otherwise 0 and −1 of ONNX */
    bool reverse;    /* MXNet */
    bool allow_zero; /* ONNX: 0 is a dimension of zero, not a copy */
    int count;       /* of target; used when only src is present */
    int64_t target[COP_MAX_RESHAPE];
};

/* [Π dims before axis, Π dims from axis on]. */
struct flatten_attrs {
    int64_t axis;
};

struct axes_attrs {
    int count; /* squeeze: 0 without a second source means every dimension of 1 */
    int64_t axes[COP_MAX_RANK];
    bool rank_at_least_1; /* squeeze: nothing but ones gives [1] rather than a scalar */
};

struct gather_attrs {
    int64_t axis;
    bool clip; /* out-of-range indices are clamped; otherwise negative ones count from the end and
                  others are errors */
};

/* Dimensions start … end − 1. */
struct shape_attrs {
    int64_t start, end; /* negative counts from the end; end INT64_MAX: all */
};

struct cast_attrs {
    cop_dtype to;
};

struct fill_attrs {
    cop_dtype dtype; /* COP_DTYPE_UNKNOWN: that of src */
    double value;
};

/*
 * FOLD_SCALE: weights · factor[c], and FOLD_SHIFT: (bias − mean) · factor + shift, with
 * factor = (unit_scale ? 1 : scale) / sqrt(variance + epsilon) along `axis` of the weights.
 */
struct fold_attrs {
    double epsilon;
    int64_t axis;
    bool unit_scale;
};

#endif
