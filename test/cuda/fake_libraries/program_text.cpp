// SPDX-License-Identifier: Apache-2.0
/* Programs checked, written down, and read again. */
#include <cinttypes>
#include <cstdio>

#include "program.h"

namespace cop::fake_library
{

static const tensor &at(const program &of, int index)
{
    return of.tensors[static_cast<size_t>(index)];
}

static std::string check_convolution(const program &of, const step &one)
{
    const tensor &x = at(of, one.x), &w = at(of, one.w), &y = at(of, one.y);
    if (x.rank != one.spatial + 2 || w.rank != x.rank || y.rank != x.rank)
        return "ranks differ";
    if (w.dims[1] <= 0 || x.dims[1] % w.dims[1] != 0 || w.dims[0] != y.dims[1] ||
        y.dims[1] % (x.dims[1] / w.dims[1]) != 0 || x.dims[0] != y.dims[0])
        return "channels or batches do not fit";
    for (int i = 0; i < one.spatial; i++) {
        const int64_t reach = (w.dims[i + 2] - 1) * one.dilations[i] + 1;
        const int64_t room = x.dims[i + 2] + one.before[i] + one.after[i] - reach;
        if (one.strides[i] <= 0 || one.dilations[i] <= 0 || room < 0 ||
            room / one.strides[i] + 1 != y.dims[i + 2])
            return "the result has another size";
    }
    return "";
}

static std::string check_pointwise(const program &of, const step &one)
{
    const tensor &x = at(of, one.x), &y = at(of, one.y);
    for (int i = 0; i < y.rank; i++) {
        const bool fits =
            one.w < 0 || at(of, one.w).dims[i] == y.dims[i] || at(of, one.w).dims[i] == 1;
        if (x.rank != y.rank || x.dims[i] != y.dims[i] || !fits)
            return "shapes of an elementwise operation do not fit";
    }
    return "";
}

static std::string check_product(const program &of, const step &one)
{
    const tensor &a = at(of, one.x), &b = at(of, one.w), &y = at(of, one.y);
    const int last = y.rank - 1;
    const bool fits = y.rank >= 2 && a.rank == y.rank && b.rank == y.rank &&
                      a.dims[last - 1] == y.dims[last - 1] && b.dims[last] == y.dims[last] &&
                      a.dims[last] == b.dims[last - 1];
    return fits ? "" : "shapes of a product do not fit";
}

std::string program::check() const
{
    for (const step &one : steps) {
        const std::string wrong = one.kind == step_kind::convolution ? check_convolution(*this, one)
                                  : one.kind == step_kind::pointwise ? check_pointwise(*this, one)
                                                                     : check_product(*this, one);
        if (!wrong.empty())
            return wrong;
    }
    return "";
}

/* One list of all members, for writing and for reading. */
template <typename F> static void for_members(tensor &of, F what)
{
    what(of.uid);
    what(of.alignment);
    what(of.type);
    what(of.is_virtual);
    what(of.rank);
    for (int i = 0; i < most_dims; i++) {
        what(of.dims[i]);
        what(of.strides[i]);
    }
}

template <typename F> static void for_members(step &of, F what)
{
    what(of.kind);
    what(of.x);
    what(of.w);
    what(of.y);
    what(of.spatial);
    for (int i = 0; i < most_spatial; i++) {
        what(of.before[i]);
        what(of.after[i]);
        what(of.strides[i]);
        what(of.dilations[i]);
    }
    what(of.mode);
    for (double *number : {&of.lower, &of.upper, &of.slope, &of.alpha, &of.beta})
        what(*number);
}

template <typename F> static void for_members(program &of, F what)
{
    size_t tensors = of.tensors.size(), steps = of.steps.size();
    what(of.engine);
    what(of.workspace_bytes);
    what(of.is_tf32);
    what(of.is_known);
    what(tensors);
    what(steps);
    of.tensors.resize(tensors > most_tensors ? 0 : tensors);
    of.steps.resize(steps > most_tensors ? 0 : steps);
    for (tensor &one : of.tensors)
        for_members(one, what);
    for (step &one : of.steps)
        for_members(one, what);
}

/* Numbers as integers: of a double its bits. */
struct writer {
    std::string *text;
    void operator()(double number) const
    {
        int64_t bits;
        memcpy(&bits, &number, sizeof bits);
        (*this)(bits);
    }
    template <typename T> void operator()(T number) const
    {
        char digits[32];
        snprintf(digits, sizeof digits, "%s%" PRId64, text->back() == '[' ? "" : ",",
                 static_cast<int64_t>(number));
        *text += digits;
    }
};

struct reader {
    const char **at;
    bool *is_whole;
    int64_t next() const
    {
        char *end = nullptr;
        const int64_t number = strtoll(*at, &end, 10);
        *is_whole = *is_whole && end != *at && (*end == ',' || *end == ']');
        *at = *is_whole ? end + (*end == ',') : end;
        return number;
    }
    void operator()(double &number) const
    {
        const int64_t bits = next();
        memcpy(&number, &bits, sizeof number);
    }
    template <typename T> void operator()(T &number) const
    {
        number = static_cast<T>(next());
    }
};

std::string program::text(size_t version) const
{
    program copy = *this;
    std::string made = "{\"cudnnVersion\":" + std::to_string(version) +
                       ",\"operationGraph\":{\"finalizeMode\":\"" +
                       (is_known ? "CONV_ADD_BIAS_ACT" : "GENERIC_CONV_FUSION") +
                       "\"},\"program\":[";
    for_members(copy, writer{&made});
    return made + "]}";
}

static bool are_indices_valid(const program &of)
{
    const int count = static_cast<int>(of.tensors.size());
    for (const step &one : of.steps) {
        const bool needs_w = one.kind != step_kind::pointwise;
        if (one.x < 0 || one.x >= count || one.y < 0 || one.y >= count || one.w >= count ||
            one.w < (needs_w ? 0 : -1) || one.spatial < 0 || one.spatial > most_spatial)
            return false;
    }
    for (const tensor &one : of.tensors)
        if (one.rank < 1 || one.rank > most_dims)
            return false;
    return count > 0 && !of.steps.empty();
}

cudnnStatus_t program::read(const std::string &text, size_t version, program *made)
{
    static const char version_key[] = "\"cudnnVersion\":", program_key[] = "\"program\":[";
    const size_t written = text.find(version_key), numbers = text.find(program_key);
    if (written == std::string::npos || numbers == std::string::npos)
        return CUDNN_STATUS_BAD_PARAM;
    if (strtoull(text.c_str() + written + sizeof version_key - 1, nullptr, 10) != version)
        return CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH;
    const char *position = text.c_str() + numbers + sizeof program_key - 1;
    bool is_whole = true;
    for_members(*made, reader{&position, &is_whole});
    if (!is_whole || strncmp(position, "]}", 2) != 0 || !are_indices_valid(*made) ||
        !made->check().empty())
        return CUDNN_STATUS_BAD_PARAM;
    return CUDNN_STATUS_SUCCESS;
}

} // namespace cop::fake_library
