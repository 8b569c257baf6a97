// SPDX-License-Identifier: Apache-2.0
/* Unary operators: as a primitive, and as post-ops of others. */
#include "backends/onednn/onednn_kernel.h"

static int one_step(struct eltwise_step *step, dnnl_alg_kind_t alg, float alpha, float beta)
{
    *step = (struct eltwise_step){alg, alpha, beta};
    return 1;
}

static int hard_swish(const struct unary_attrs *attrs, struct eltwise_step *step)
{
    /* Slope and shift are fixed in oneDNN 2 and given in 3. */
    const bool is_usual = attrs->alpha == 1.0f / 6.0f && attrs->beta == 0.5f;
    return is_usual ? one_step(step, dnnl_eltwise_hardswish, attrs->alpha, attrs->beta) : 0;
}

int cop_onednn_eltwise_steps(const struct unary_attrs *attrs, struct eltwise_step steps[2])
{
    switch (attrs->alg) {
    case UNARY_RELU:
        return one_step(steps, dnnl_eltwise_relu, 0.0f, 0.0f);
    case UNARY_LEAKY_RELU:
        return one_step(steps, dnnl_eltwise_relu, attrs->alpha, 0.0f);
    case UNARY_ELU:
        return one_step(steps, dnnl_eltwise_elu, attrs->alpha, 0.0f);
    case UNARY_SELU:
        return one_step(&steps[0], dnnl_eltwise_elu, attrs->alpha, 0.0f) +
               one_step(&steps[1], dnnl_eltwise_linear, attrs->beta, 0.0f);
    case UNARY_SIGMOID:
        return one_step(steps, dnnl_eltwise_logistic, 0.0f, 0.0f);
    case UNARY_TANH:
        return one_step(steps, dnnl_eltwise_tanh, 0.0f, 0.0f);
    case UNARY_SOFTPLUS:
        return one_step(steps, dnnl_eltwise_soft_relu, 1.0f, 0.0f); /* a factor in oneDNN 3 */
    case UNARY_HARD_SIGMOID:
        return one_step(&steps[0], dnnl_eltwise_linear, attrs->alpha, attrs->beta) +
               one_step(&steps[1], dnnl_eltwise_clip, 0.0f, 1.0f);
    case UNARY_HARD_SWISH:
        return hard_swish(attrs, steps);
    case UNARY_CLIP:
        return one_step(steps, dnnl_eltwise_clip, attrs->alpha, attrs->beta);
    case UNARY_GELU:
        return one_step(steps, dnnl_eltwise_gelu_erf, 0.0f, 0.0f);
    case UNARY_LINEAR:
        return one_step(steps, dnnl_eltwise_linear, attrs->alpha, attrs->beta);
    case UNARY_EXP:
        return one_step(steps, dnnl_eltwise_exp, 0.0f, 0.0f);
    case UNARY_SQRT:
        return one_step(steps, dnnl_eltwise_sqrt, 0.0f, 0.0f);
    case UNARY_RSQRT:
        return one_step(steps, dnnl_eltwise_pow, 1.0f, -0.5f);
    case UNARY_SQUARE:
        return one_step(steps, dnnl_eltwise_square, 0.0f, 0.0f);
    case UNARY_ABS:
        return one_step(steps, dnnl_eltwise_abs, 0.0f, 0.0f);
    case UNARY_RECIPROCAL:
        return one_step(steps, dnnl_eltwise_pow, 1.0f, -1.0f);
    case UNARY_ROUND_EVEN:
        return one_step(steps, dnnl_eltwise_round, 0.0f, 0.0f);
    default: /* of the logarithm, the primitive is off by 1.4e-6 at 1, where it is 0 */
        break;
    }
    return 0;
}

cop_status cop_onednn_unary(struct onednn_build *build)
{
    struct eltwise_step steps[2];
    struct tensor_desc src;
    if (cop_onednn_eltwise_steps(build->request->attrs, steps) != 1)
        return cop_onednn_lacks(build, "no such function of one step");
    COP_TRY(cop_onednn_src_desc(build, 0, &src));
    ONEDNN_TRY(build, cop_onednn_pd_eltwise(&build->pd, &build->env, steps[0].alg, &src,
                                            steps[0].alpha, steps[0].beta));
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    COP_TRY(cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &src));
    cop_onednn_allow_in_place(build, 0);
    return COP_STATUS_OK;
}
