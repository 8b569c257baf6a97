// SPDX-License-Identifier: Apache-2.0
/* Graphs and what they are instantiated to: lists of operations that run again and again. */
#include "runtime.h"

namespace cop::fake
{

template <typename T>
static std::shared_ptr<T> find_or_report(const std::map<const void *, std::shared_ptr<T>> &all,
                                         const void *handle, const char *what)
{
    std::shared_ptr<T> found = find(all, handle);
    if (found == nullptr)
        violate("a %s is used that does not exist, or no longer", what);
    return found;
}

static cudaError_t instantiate(const graph &of, cudaGraphExec_t *made)
{
    auto one = std::make_shared<exec>();
    one->device = current_device();
    one->nodes = of.nodes;
    for (const auto &node : one->nodes)
        for (const use &each : node->uses)
            each.memory->recorded++;
    the().execs[one.get()] = one;
    *made = reinterpret_cast<cudaGraphExec_t>(one.get());
    return cudaSuccess;
}

static cudaError_t launch(const std::shared_ptr<exec> &runs, const std::shared_ptr<stream> &on,
                          bool is_upload)
{
    if (on == nullptr || on->device != runs->device)
        return cudaErrorInvalidResourceHandle;
    if (on->capturing != nullptr) {
        invalidate(*on->capturing);
        return cudaErrorStreamCaptureUnsupported;
    }
    auto made = std::make_shared<operation>();
    if (is_upload)
        return enqueue(on, made, false);
    made->what = kind::graph;
    made->runs = runs;
    made->ticket = runs->launched;
    for (const auto &node : runs->nodes)
        made->uses.insert(made->uses.end(), node->uses.begin(), node->uses.end());
    const cudaError_t error = enqueue(on, made, false);
    if (error == cudaSuccess) {
        runs->launched++;
        the().counts.graph_launches++;
    }
    return error;
}

static cudaError_t list(const graph &of, cudaGraphNode_t *nodes, size_t *count)
{
    if (count == nullptr)
        return cudaErrorInvalidValue;
    const size_t room = nodes == nullptr ? 0 : *count;
    for (size_t i = 0; i < room; i++)
        nodes[i] =
            i < of.nodes.size() ? reinterpret_cast<cudaGraphNode_t>(of.nodes[i].get()) : nullptr;
    *count = nodes == nullptr || room > of.nodes.size() ? of.nodes.size() : room;
    return cudaSuccess;
}

static cudaGraphNodeType type_of(const operation &node)
{
    switch (node.what) {
    case kind::kernel:
        return cudaGraphNodeTypeKernel;
    case kind::copy:
        return cudaGraphNodeTypeMemcpy;
    case kind::fill:
        return cudaGraphNodeTypeMemset;
    case kind::host:
        return cudaGraphNodeTypeHost;
    default:
        return cudaGraphNodeTypeEmpty;
    }
}

template <typename F> static cudaError_t call_graph(const char *name, cudaGraph_t handle, F body)
{
    return call(name, CURRENT, [&](lock &held) {
        const std::shared_ptr<graph> found = find_or_report(the().graphs, handle, "graph");
        if (found == nullptr)
            return cudaErrorInvalidValue;
        const entered inside(held, found->one_thread, "graph");
        return body(found);
    });
}

template <typename F> static cudaError_t call_exec(const char *name, cudaGraphExec_t handle, F body)
{
    return call(name, DRIVER, [&](lock &held) {
        const std::shared_ptr<exec> found = find_or_report(the().execs, handle, "graph exec");
        if (found == nullptr)
            return cudaErrorInvalidValue;
        const entered inside(held, found->one_thread, "graph exec");
        return body(found);
    });
}

} // namespace cop::fake

using namespace cop::fake;

extern "C" {

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *made, cudaGraph_t handle,
                                 unsigned long long flags)
{
    (void)flags;
    return call_graph("cudaGraphInstantiate", handle,
                      [=](const std::shared_ptr<graph> &of) { return instantiate(*of, made); });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t handle, cudaGraphNode_t *nodes, size_t *count)
{
    return call_graph("cudaGraphGetNodes", handle,
                      [=](const std::shared_ptr<graph> &of) { return list(*of, nodes, count); });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t handle, enum cudaGraphNodeType *type)
{
    return call("cudaGraphNodeGetType", CURRENT, [=](lock &) {
        for (const auto &one : the().graphs)
            for (const auto &node : one.second->nodes)
                if (node.get() == reinterpret_cast<const operation *>(handle)) {
                    *type = type_of(*node);
                    return cudaSuccess;
                }
        return cudaErrorInvalidValue;
    });
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle)
{
    return call_graph("cudaGraphDestroy", handle, [](const std::shared_ptr<graph> &old) {
        the().graphs.erase(old.get());
        return cudaSuccess;
    });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t handle, cudaStream_t stream)
{
    return call_exec("cudaGraphUpload", handle, [=](const std::shared_ptr<exec> &runs) {
        return launch(runs, find_stream(stream, "cudaGraphUpload"), true);
    });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream)
{
    return call_exec("cudaGraphLaunch", handle, [=](const std::shared_ptr<exec> &runs) {
        return launch(runs, find_stream(stream, "cudaGraphLaunch"), false);
    });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t handle)
{
    return call_exec("cudaGraphExecDestroy", handle, [](const std::shared_ptr<exec> &old) {
        the().execs.erase(old.get());
        return cudaSuccess;
    });
}
}
