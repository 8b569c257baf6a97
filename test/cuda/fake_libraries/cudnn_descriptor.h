// SPDX-License-Identifier: Apache-2.0
/* What the files of the emulated libcudnn.so.9 share. */
#ifndef TEST_CUDA_FAKE_LIBRARIES_CUDNN_DESCRIPTOR_H
#define TEST_CUDA_FAKE_LIBRARIES_CUDNN_DESCRIPTOR_H

#include <cudnn.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "library_state.h"
#include "program.h"

struct cudnnContext {
    cudaStream_t stream = nullptr;
    int device = 0;
    void *memory = nullptr; /* a real handle allocates some, too */
    cop::fake_library::user one_thread;
};

namespace cop::fake_library
{

struct descriptor;
using reference = std::shared_ptr<descriptor>;

struct attribute {
    cudnnBackendAttributeType_t type = CUDNN_TYPE_INT64;
    int64_t count = 0;
    std::vector<unsigned char> bytes;
    std::vector<reference> descriptors;
};

/* An engine with its settings, for one graph. */
struct config {
    int64_t engine = 0, workspace_bytes = 0;
    unsigned numerical = 0, behaviour = 0; /* bits: the notes */
};

/* Filled attribute by attribute; finalized, it is also what its type makes of them. */
struct descriptor {
    cudnnBackendDescriptorType_t type;
    bool is_finalized = false;
    std::map<int, attribute> attributes;
    struct tensor as_tensor;
    struct step as_step;                   /* geometry, function, operation */
    struct program as_program;             /* graph, engine, plan */
    struct config as_config;               /* engine, configuration */
    std::vector<struct config> as_results; /* heuristics */
    user one_thread;                       /* plan */

    bool has(cudnnBackendAttributeName_t name) const
    {
        return attributes.count(name) != 0;
    }
    template <typename T> std::vector<T> all(cudnnBackendAttributeName_t name) const
    {
        const auto found = attributes.find(name);
        if (found == attributes.end())
            return {};
        std::vector<T> values(found->second.bytes.size() / sizeof(T));
        if (!values.empty())
            memcpy(values.data(), found->second.bytes.data(), values.size() * sizeof(T));
        return values;
    }
    template <typename T> T one(cudnnBackendAttributeName_t name, T otherwise = T()) const
    {
        const std::vector<T> values = all<T>(name);
        return values.empty() ? otherwise : values[0];
    }
    const descriptor *other(cudnnBackendAttributeName_t name) const
    {
        const auto found = attributes.find(name);
        return found == attributes.end() ? nullptr : found->second.descriptors[0].get();
    }
};

/* What a cudnnBackendDescriptor_t points to. */
struct handle_of_descriptor {
    reference of;
};

inline reference &referred(cudnnBackendDescriptor_t handle)
{
    return static_cast<handle_of_descriptor *>(handle)->of;
}

state &library();
/* Keeps the text for cudnnGetLastErrorString. */
cudnnStatus_t refuse(cudnnStatus_t status, const std::string &text);

/* cudnn_finalize.cpp */
cudnnStatus_t finalize(descriptor &made);

/* cudnn_engines.cpp */
bool is_known_pattern(const program &of);
std::vector<config> list_configs(const program &of, cudnnBackendHeurMode_t mode);
bool compiles(const program &of, const config &with);
program with_config(const program &of, const config &with);

} // namespace cop::fake_library

#endif
