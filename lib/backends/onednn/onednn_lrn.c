// SPDX-License-Identifier: Apache-2.0
#include "backends/onednn/onednn_kernel.h"

cop_status cop_onednn_lrn(struct onednn_build *build)
{
    const struct lrn_attrs *attrs = build->request->attrs;
    struct tensor_desc src;
    if (attrs->size % 2 == 0)
        return cop_onednn_lacks(build, "a window of an even number of channels");
    COP_TRY(cop_onednn_src_desc(build, 0, &src));
    ONEDNN_TRY(build, cop_onednn_pd_lrn(&build->pd, &build->env, &src, attrs->size, attrs->alpha,
                                        attrs->beta, attrs->bias));
    COP_TRY(cop_onednn_bind_src(build, 0, DNNL_ARG_SRC, &src));
    return cop_onednn_bind_dst(build, 0, DNNL_ARG_DST, &src);
}
