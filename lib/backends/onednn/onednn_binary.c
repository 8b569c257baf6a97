// SPDX-License-Identifier: Apache-2.0
/* Binary operators with broadcasting. */
#include "backends/onednn/onednn_kernel.h"
#include "ir/ops/alignment.h"

static bool find_algorithm(enum binary_alg alg, dnnl_alg_kind_t *found)
{
    switch (alg) {
    case BINARY_ADD:
        *found = dnnl_binary_add;
        return true;
    case BINARY_SUB:
        *found = dnnl_binary_sub;
        return true;
    case BINARY_MUL:
        *found = dnnl_binary_mul;
        return true;
    case BINARY_DIV:
        *found = dnnl_binary_div;
        return true;
    case BINARY_MAX:
        *found = dnnl_binary_max;
        return true;
    case BINARY_MIN:
        *found = dnnl_binary_min;
        return true;
    default: /* too rare for oneDNN */
        break;
    }
    return false;
}

static bool is_commutative(enum binary_alg alg)
{
    return alg == BINARY_ADD || alg == BINARY_MUL || alg == BINARY_MAX || alg == BINARY_MIN;
}

/* With leading ones up to `rank`, and at least one dimension. */
static struct shape extend(const struct shape *shape, int rank)
{
    struct shape extended = {.rank = rank > 0 ? rank : 1};
    for (int i = 0; i < extended.rank; i++) {
        const int from = i - (extended.rank - shape->rank);
        extended.dims[i] = from < 0 ? 1 : shape->dims[from];
    }
    return extended;
}

/* Which source is the primitive's first, the one that may not be broadcast; −1: neither. */
static int choose_first(const struct binary_attrs *attrs, const struct shape shapes[2],
                        const struct shape *dst)
{
    if (cop_shape_equal(&shapes[0], dst))
        return 0;
    return is_commutative(attrs->alg) && cop_shape_equal(&shapes[1], dst) ? 1 : -1;
}

/*
 * Before AVX-512, oneDNN 2.6 computes wrong activations behind a binary operator where a format has
 * room for channels that are not there: plain it is then.
 */
static cop_status avoid_padding(const struct onednn_build *build, const struct shape *shape,
                                struct tensor_desc *desc)
{
    struct tensor_desc plain;
    COP_TRY(cop_onednn_plain_desc(build, shape, &plain));
    if (build->request->post_ops->count > 0 &&
        cop_onednn_desc_bytes(desc) != cop_onednn_desc_bytes(&plain))
        *desc = plain;
    return COP_STATUS_OK;
}

/*
 * Sources of the full shape must lie alike: what one producer leaves in a format of its own decides
 * for both. What is broadcast lies plain.
 */
static cop_status describe_sides(const struct onednn_build *build, const struct shape shapes[2],
                                 int first, struct tensor_desc descs[2])
{
    const struct shape *own = &build->request->src[first].shape;
    const int second = 1 - first;
    if (cop_shape_equal(&shapes[first], own))
        COP_TRY(cop_onednn_src_desc(build, first, &descs[first]));
    else
        COP_TRY(cop_onednn_plain_desc(build, &shapes[first], &descs[first]));
    if (!cop_shape_equal(&shapes[0], &shapes[1])) {
        COP_TRY(avoid_padding(build, &shapes[first], &descs[first]));
        return cop_onednn_plain_desc(build, &shapes[second], &descs[second]);
    }
    if (cop_onednn_desc_is_plain(&descs[first]) &&
        cop_shape_equal(&shapes[second], &build->request->src[second].shape))
        COP_TRY(cop_onednn_src_desc(build, second, &descs[first]));
    COP_TRY(avoid_padding(build, &shapes[first], &descs[first]));
    descs[second] = descs[first];
    return COP_STATUS_OK;
}

cop_status cop_onednn_binary(struct onednn_build *build)
{
    const struct kernel_request *request = build->request;
    const struct binary_attrs *attrs = request->attrs;
    struct shape shapes[2] = {request->src[0].shape, {0}};
    struct tensor_desc descs[2];
    dnnl_alg_kind_t alg;
    if (!find_algorithm(attrs->alg, &alg))
        return cop_onednn_lacks(build, "powers of two tensors");
    if (!cop_binary_align(attrs, &shapes[0], &request->src[1].shape, &shapes[1]))
        return cop_onednn_lacks(build, "these shapes");
    const struct shape dst = extend(&request->dst[0].shape, request->dst[0].shape.rank);
    shapes[0] = extend(&shapes[0], dst.rank);
    shapes[1] = extend(&shapes[1], dst.rank);
    const int first = choose_first(attrs, shapes, &dst);
    if (first < 0)
        return cop_onednn_lacks(build, "a first operand that is broadcast");
    COP_TRY(describe_sides(build, shapes, first, descs));
    ONEDNN_TRY(build, cop_onednn_pd_binary(&build->pd, &build->env, alg, &descs[first],
                                           &descs[1 - first], &descs[first]));
    COP_TRY(cop_onednn_bind_src(build, first, DNNL_ARG_SRC_0, &descs[first]));
    COP_TRY(cop_onednn_bind_src(build, 1 - first, DNNL_ARG_SRC_1, &descs[1 - first]));
    COP_TRY(cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &descs[first]));
    cop_onednn_allow_in_place(build, first);
    return COP_STATUS_OK;
}
