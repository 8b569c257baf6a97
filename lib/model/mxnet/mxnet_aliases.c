// SPDX-License-Identifier: Apache-2.0
/* Names by which MXNet knows operators in other namespaces, beside those in the families' tables.
 */
#include <string.h>

#include "model/mxnet/mxnet_operators.h"

/* Sorted by the first. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    {"_np_repeat", "repeat"},
    {"_npi_cast", "Cast"},
    {"_npi_clip", "clip"},
    {"_npi_expand_dims", "expand_dims"},
    {"_npi_hypot_scalar", "_hypot_scalar"},
    {"_npi_maximum", "broadcast_maximum"},
    {"_npi_maximum_scalar", "_maximum_scalar"},
    {"_npi_minimum", "broadcast_minimum"},
    {"_npi_minimum_scalar", "_minimum_scalar"},
    {"_npi_slice", "slice"},
    {"_npi_swapaxes", "SwapAxis"},
    {"_npi_take", "take"},
    {"_npi_tile", "tile"},
    {"_npx_batch_dot", "batch_dot"},
    {"_npx_cast", "Cast"},
    {"_npx_erf", "erf"},
    {"_npx_reshape_like", "reshape_like"},
    {"_npx_shape_array", "shape_array"},
    {"_npx_slice", "slice"},
    {"_sparse_ElementWiseSum", "add_n"},
    {"_sparse_Embedding", "Embedding"},
    {"_sparse_LinearRegressionOutput", "LinearRegressionOutput"},
    {"_sparse_LogisticRegressionOutput", "LogisticRegressionOutput"},
    {"_sparse_MAERegressionOutput", "MAERegressionOutput"},
    {"_sparse_abs", "abs"},
    {"_sparse_add_n", "add_n"},
    {"_sparse_arccos", "arccos"},
    {"_sparse_arccosh", "arccosh"},
    {"_sparse_arcsin", "arcsin"},
    {"_sparse_arcsinh", "arcsinh"},
    {"_sparse_arctan", "arctan"},
    {"_sparse_arctanh", "arctanh"},
    {"_sparse_broadcast_add", "broadcast_add"},
    {"_sparse_broadcast_div", "broadcast_div"},
    {"_sparse_broadcast_minus", "broadcast_sub"},
    {"_sparse_broadcast_mul", "broadcast_mul"},
    {"_sparse_broadcast_plus", "broadcast_add"},
    {"_sparse_broadcast_sub", "broadcast_sub"},
    {"_sparse_cbrt", "cbrt"},
    {"_sparse_ceil", "ceil"},
    {"_sparse_clip", "clip"},
    {"_sparse_cos", "cos"},
    {"_sparse_cosh", "cosh"},
    {"_sparse_degrees", "degrees"},
    {"_sparse_dot", "dot"},
    {"_sparse_elemwise_add", "elemwise_add"},
    {"_sparse_elemwise_div", "elemwise_div"},
    {"_sparse_elemwise_mul", "elemwise_mul"},
    {"_sparse_elemwise_sub", "elemwise_sub"},
    {"_sparse_exp", "exp"},
    {"_sparse_expm1", "expm1"},
    {"_sparse_fix", "fix"},
    {"_sparse_floor", "floor"},
    {"_sparse_log", "log"},
    {"_sparse_log10", "log10"},
    {"_sparse_log1p", "log1p"},
    {"_sparse_log2", "log2"},
    {"_sparse_make_loss", "make_loss"},
    {"_sparse_mean", "mean"},
    {"_sparse_negative", "negative"},
    {"_sparse_norm", "norm"},
    {"_sparse_radians", "radians"},
    {"_sparse_relu", "relu"},
    {"_sparse_rint", "rint"},
    {"_sparse_round", "round"},
    {"_sparse_rsqrt", "rsqrt"},
    {"_sparse_sigmoid", "sigmoid"},
    {"_sparse_sign", "sign"},
    {"_sparse_sin", "sin"},
    {"_sparse_sinh", "sinh"},
    {"_sparse_slice", "slice"},
    {"_sparse_sqrt", "sqrt"},
    {"_sparse_square", "square"},
    {"_sparse_stop_gradient", "BlockGrad"},
    {"_sparse_sum", "sum"},
    {"_sparse_tan", "tan"},
    {"_sparse_tanh", "tanh"},
    {"_sparse_trunc", "trunc"},
    {"_sparse_zeros_like", "zeros_like"},
};

const char *cop_mxnet_canonical_name(const char *name)
{
    size_t begin = 0, end = sizeof aliases / sizeof aliases[0];
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        const int order = strcmp(aliases[middle].alias, name);
        if (order == 0)
            return aliases[middle].name;
        if (order < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return name;
}
