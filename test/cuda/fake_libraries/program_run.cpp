// SPDX-License-Identifier: Apache-2.0
/* Runs a program by plain loops: every tensor is taken to dense float, in the order n c spatial. */
#include <algorithm>

#include "program.h"

namespace cop::fake_library
{

element tensor::kind() const
{
    return type == CUDNN_DATA_HALF       ? element::f16
           : type == CUDNN_DATA_BFLOAT16 ? element::bf16
                                         : element::f32;
}

int64_t tensor::count() const
{
    int64_t all = 1;
    for (int i = 0; i < rank; i++)
        all *= dims[i];
    return all;
}

size_t tensor::bytes() const
{
    int64_t last = 0;
    for (int i = 0; i < rank; i++)
        last += (dims[i] - 1) * strides[i];
    return static_cast<size_t>(last + 1) * bytes_of(kind());
}

/* Calls what(dense index, index by the strides) for every element. */
template <typename F> static void for_elements(const tensor &of, F what)
{
    int64_t at[most_dims] = {};
    const int64_t count = of.count();
    for (int64_t i = 0; i < count; i++) {
        int64_t offset = 0;
        for (int d = 0; d < of.rank; d++)
            offset += at[d] * of.strides[d];
        what(i, offset);
        for (int d = of.rank - 1; d >= 0 && ++at[d] == of.dims[d]; d--)
            at[d] = 0;
    }
}

using values = std::vector<float>;

static values load_all(const tensor &of, const void *from)
{
    values all(static_cast<size_t>(of.count()));
    for_elements(of, [&](int64_t dense, int64_t offset) {
        all[static_cast<size_t>(dense)] = load(of.kind(), from, offset);
    });
    return all;
}

static void store_all(const tensor &of, const values &all, void *to)
{
    for_elements(of, [&](int64_t dense, int64_t offset) {
        store(of.kind(), to, offset, all[static_cast<size_t>(dense)]);
    });
}

/* With spatial dimensions of 1 in front, so that there are three. */
struct extents {
    int64_t n, c, size[most_spatial];
    explicit extents(const tensor &of) : n(of.dims[0]), c(of.dims[1]), size{1, 1, 1}
    {
        for (int i = 2; i < of.rank; i++)
            size[most_spatial - of.rank + i] = of.dims[i];
    }
};

struct window {
    int64_t before[most_spatial] = {0, 0, 0}, stride[most_spatial] = {1, 1, 1},
            dilation[most_spatial] = {1, 1, 1};
    explicit window(const step &of)
    {
        for (int i = 0; i < of.spatial; i++) {
            const int at = most_spatial - of.spatial + i;
            before[at] = of.before[i];
            stride[at] = of.strides[i];
            dilation[at] = of.dilations[i];
        }
    }
};

/* The sum for one element of the result, over one group's channels and the window. */
static float convolve_at(const extents &x, const extents &w, const window &in, const float *src,
                         const float *weights, const int64_t *at)
{
    float sum = 0;
    for (int64_t c = 0; c < w.c; c++)
        for (int64_t d = 0; d < w.size[0]; d++)
            for (int64_t r = 0; r < w.size[1]; r++)
                for (int64_t s = 0; s < w.size[2]; s++) {
                    const int64_t z = at[0] * in.stride[0] - in.before[0] + d * in.dilation[0];
                    const int64_t y = at[1] * in.stride[1] - in.before[1] + r * in.dilation[1];
                    const int64_t q = at[2] * in.stride[2] - in.before[2] + s * in.dilation[2];
                    if (z < 0 || y < 0 || q < 0 || z >= x.size[0] || y >= x.size[1] ||
                        q >= x.size[2])
                        continue;
                    sum += src[((c * x.size[0] + z) * x.size[1] + y) * x.size[2] + q] *
                           weights[((c * w.size[0] + d) * w.size[1] + r) * w.size[2] + s];
                }
    return sum;
}

static values convolve(const step &of, const tensor &xt, const tensor &wt, const tensor &yt,
                       const values &src, const values &weights)
{
    const extents x(xt), w(wt), y(yt);
    const window in(of);
    values dst;
    dst.reserve(static_cast<size_t>(yt.count()));
    const int64_t groups = x.c / w.c, plane = x.size[0] * x.size[1] * x.size[2];
    const int64_t filter = w.c * w.size[0] * w.size[1] * w.size[2];
    for (int64_t n = 0; n < y.n; n++)
        for (int64_t k = 0; k < y.c; k++) {
            const int64_t first = k / (y.c / groups) * w.c;
            int64_t at[most_spatial];
            for (at[0] = 0; at[0] < y.size[0]; at[0]++)
                for (at[1] = 0; at[1] < y.size[1]; at[1]++)
                    for (at[2] = 0; at[2] < y.size[2]; at[2]++)
                        dst.push_back(convolve_at(x, w, in, &src[(n * x.c + first) * plane],
                                                  &weights[k * filter], at));
        }
    return dst;
}

static float apply(const step &of, float x, float other)
{
    switch (of.mode) {
    case CUDNN_POINTWISE_ADD:
        return x + other;
    case CUDNN_POINTWISE_SUB:
        return x - other;
    case CUDNN_POINTWISE_MUL:
        return x * other;
    case CUDNN_POINTWISE_MAX:
        return std::max(x, other);
    case CUDNN_POINTWISE_MIN:
        return std::min(x, other);
    case CUDNN_POINTWISE_RELU_FWD: {
        const float lower = static_cast<float>(of.lower), slope = static_cast<float>(of.slope);
        return x < lower ? lower + slope * (x - lower) : std::min(x, static_cast<float>(of.upper));
    }
    case CUDNN_POINTWISE_TANH_FWD:
        return std::tanh(x);
    case CUDNN_POINTWISE_SIGMOID_FWD:
        return 1 / (1 + std::exp(-x));
    case CUDNN_POINTWISE_ELU_FWD:
        return x > 0 ? x : static_cast<float>(of.alpha) * std::expm1(x);
    case CUDNN_POINTWISE_GELU_FWD:
        return 0.5F * x * (1 + std::erf(x * 0.70710678F));
    case CUDNN_POINTWISE_GELU_APPROX_TANH_FWD:
        return gelu_tanh(x);
    case CUDNN_POINTWISE_SWISH_FWD:
        return x / (1 + std::exp(-static_cast<float>(of.beta) * x));
    default: /* CUDNN_POINTWISE_IDENTITY */
        return x;
    }
}

/* The element of a tensor that belongs to one of `of`, where dimensions of 1 are repeated. */
static size_t repeated(const tensor &of, const tensor &smaller, int64_t dense)
{
    int64_t index = 0, factor = 1;
    for (int d = of.rank - 1; d >= 0; d--) {
        const int64_t at = dense % of.dims[d];
        dense /= of.dims[d];
        index += (smaller.dims[d] == 1 ? 0 : at) * factor;
        factor *= smaller.dims[d];
    }
    return static_cast<size_t>(index);
}

static values combine(const step &of, const tensor &yt, const tensor *other, const values &x,
                      const values *w)
{
    values y(x.size());
    for (size_t i = 0; i < x.size(); i++)
        y[i] =
            apply(of, x[i], w == nullptr ? 0 : (*w)[repeated(yt, *other, static_cast<int64_t>(i))]);
    return y;
}

/* [batch, m, k] · [batch, k, n]; a batch of 1 is repeated. */
static values multiply(const tensor &at, const tensor &bt, const tensor &yt, const values &a,
                       const values &b)
{
    const int64_t m = yt.dims[yt.rank - 2], n = yt.dims[yt.rank - 1], k = at.dims[at.rank - 1];
    const int64_t batch = yt.count() / (m * n);
    values y(static_cast<size_t>(yt.count()));
    for (int64_t i = 0; i < batch * m * n; i++) {
        const int64_t one = i / (m * n), row = i / n % m, column = i % n;
        const float *from = &a[at.count() > m * k ? (one * m + row) * k : row * k];
        const float *to = &b[bt.count() > k * n ? one * k * n : 0];
        float sum = 0;
        for (int64_t j = 0; j < k; j++)
            sum += from[j] * to[j * n + column];
        y[static_cast<size_t>(i)] = sum;
    }
    return y;
}

static void round_all(values &all)
{
    for (float &one : all)
        one = round_to_tf32(one);
}

void program::run(void *const *pointers, void *workspace) const
{
    std::vector<values> known(tensors.size());
    if (workspace_bytes > 0) /* all of it, and nothing else, is the library's while it runs */
        memset(workspace, 0xa5, static_cast<size_t>(workspace_bytes));
    const auto get = [&](int index) -> values & {
        values &found = known[static_cast<size_t>(index)];
        const tensor &of = tensors[static_cast<size_t>(index)];
        if (found.empty() && !of.is_virtual)
            found = load_all(of, pointers[index]);
        return found;
    };
    for (const step &one : steps) {
        const tensor &yt = tensors[static_cast<size_t>(one.y)];
        const tensor &xt = tensors[static_cast<size_t>(one.x)];
        const tensor *wt = one.w < 0 ? nullptr : &tensors[static_cast<size_t>(one.w)];
        if (one.kind != step_kind::pointwise && is_tf32) {
            round_all(get(one.x));
            round_all(get(one.w));
        }
        values result =
            one.kind == step_kind::convolution ? convolve(one, xt, *wt, yt, get(one.x), get(one.w))
            : one.kind == step_kind::product
                ? multiply(xt, *wt, yt, get(one.x), get(one.w))
                : combine(one, yt, wt, get(one.x), wt == nullptr ? nullptr : &get(one.w));
        if (!yt.is_virtual)
            store_all(yt, result, pointers[one.y]);
        known[static_cast<size_t>(one.y)] = std::move(result);
    }
}

} // namespace cop::fake_library
