// SPDX-License-Identifier: Apache-2.0
/* Networks built with cpp-package and generated wrappers; prints "net_NAME VALUE..." for each. */
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "mxnet-cpp/MxNetCpp.h"

using namespace mxnet::cpp;

static float next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<int32_t>(*state >> 32)) / 2147483648.0f;
}

static bool ends_with(const std::string &text, const std::string &end)
{
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/* Numbers that depend on the name alone, in a range that suits what it is. */
static void fill(const std::string &name, NDArray *array)
{
    uint64_t state = 5381;
    for (char letter : name)
        state = state * 33 + static_cast<unsigned char>(letter);
    const std::vector<mx_uint> shape = array->GetShape();
    const size_t count = array->Size();
    float middle = 0, range = 0.2f;
    if (ends_with(name, "gamma") || ends_with(name, "var"))
        middle = 1;
    else if (name == "data")
        range = 2;
    else if (shape.size() > 1)
        range = std::sqrt(4.0f * shape[0] / count);
    std::vector<float> values(count);
    for (float &value : values)
        value = middle + range * next_number(&state);
    array->SyncCopyFromCPU(values);
}

static std::vector<float> run_cached(const Symbol &net, std::map<std::string, NDArray> arrays)
{
    std::vector<NDArrayHandle> inputs;
    for (const std::string &name : net.ListInputs())
        inputs.push_back(arrays.at(name).GetHandle());
    CachedOpHandle op;
    NDArrayHandle *outputs = nullptr;
    int count = 0;
    std::vector<float> values;
    CHECK_EQ(MXCreateCachedOpEX(net.GetHandle(), 0, nullptr, nullptr, &op, true), 0) << MXGetLastError();
    CHECK_EQ(MXInvokeCachedOp(op, static_cast<int>(inputs.size()), inputs.data(), &count, &outputs), 0)
        << MXGetLastError();
    const std::vector<NDArrayHandle> kept(outputs, outputs + count);
    for (NDArrayHandle output : kept) {
        std::vector<float> part;
        NDArray(output).SyncCopyToCPU(&part);
        values.insert(values.end(), part.begin(), part.end());
    }
    CHECK_EQ(MXFreeCachedOp(op), 0);
    return values;
}

/* With an executor, with it again for other data and back, and as a cached operator. */
static void run(const std::string &name, Symbol net, const Shape &data_shape)
{
    std::map<std::string, NDArray> arguments, states;
    arguments["data"] = NDArray(data_shape, Context::cpu());
    std::map<std::string, std::vector<mx_uint>> known;
    known["data"] = arguments["data"].GetShape();
    std::vector<std::vector<mx_uint>> in, aux, out;
    net.InferShape(known, &in, &aux, &out);
    const std::vector<std::string> argument_names = net.ListArguments(), state_names = net.ListAuxiliaryStates();
    CHECK_EQ(in.size(), argument_names.size());
    for (size_t i = 0; i < in.size(); i++)
        arguments[argument_names[i]] = NDArray(in[i], Context::cpu(), false);
    for (size_t i = 0; i < aux.size(); i++)
        states[state_names[i]] = NDArray(aux[i], Context::cpu(), false);
    for (auto &entry : arguments)
        fill(entry.first, &entry.second);
    for (auto &entry : states)
        fill(entry.first, &entry.second);
    Executor *executor = net.SimpleBind(Context::cpu(), arguments, std::map<std::string, NDArray>(),
                                        std::map<std::string, OpReqType>(), states);
    std::vector<float> values, again;
    executor->Forward(false);
    for (NDArray &output : executor->outputs) {
        std::vector<float> part;
        output.SyncCopyToCPU(&part);
        values.insert(values.end(), part.begin(), part.end());
    }
    arguments["data"] *= 0.5f;
    executor->Forward(false);
    executor->outputs[0].SyncCopyToCPU(&again);
    bool is_same = true;
    for (size_t i = 0; i < again.size(); i++)
        is_same = is_same && again[i] == values[i];
    CHECK(!is_same) << name << " does not depend on its data";
    fill("data", &arguments["data"]);
    std::map<std::string, NDArray> all(arguments);
    all.insert(states.begin(), states.end());
    const std::vector<float> cached = run_cached(net, all);
    CHECK_EQ(cached.size(), values.size());
    for (size_t i = 0; i < values.size(); i++)
        CHECK(std::fabs(cached[i] - values[i]) <= 1e-5f + 1e-4f * std::fabs(values[i]))
            << name << ": " << cached[i] << " and " << values[i];
    std::printf("net_%s", name.c_str());
    for (float value : values)
        std::printf(" %.9g", value);
    std::printf("\n");
    delete executor;
}

static Symbol lenet()
{
    Symbol data = Symbol::Variable("data");
    Symbol conv1 = Convolution("conv1", data, Symbol("conv1_weight"), Symbol("conv1_bias"), Shape(5, 5), 20);
    Symbol tanh1 = Activation("tanh1", conv1, ActivationActType::kTanh);
    Symbol pool1 = Pooling("pool1", tanh1, Shape(2, 2), PoolingPoolType::kMax, false, false,
                           PoolingPoolingConvention::kValid, Shape(2, 2));
    Symbol conv2 = Convolution("conv2", pool1, Symbol("conv2_weight"), Symbol("conv2_bias"), Shape(5, 5), 50);
    Symbol tanh2 = Activation("tanh2", conv2, ActivationActType::kTanh);
    Symbol pool2 = Pooling("pool2", tanh2, Shape(2, 2), PoolingPoolType::kMax, false, false,
                           PoolingPoolingConvention::kFull, Shape(2, 2));
    Symbol fc1 = FullyConnected("fc1", Flatten("flatten", pool2), Symbol("fc1_weight"), Symbol("fc1_bias"), 100);
    Symbol fc2 = FullyConnected("fc2", LeakyReLU("leaky", fc1, Symbol(), LeakyReLUActType::kLeaky),
                                Symbol("fc2_weight"), Symbol("fc2_bias"), 10);
    return SoftmaxOutput("softmax", fc2, Symbol::Variable("softmax_label"));
}

static Symbol normalised(const std::string &name, Symbol data, int filters, int kernel, int stride, int groups)
{
    Symbol conv = Convolution(name, data, Symbol(name + "_weight"), Symbol(), Shape(kernel, kernel), filters,
                              Shape(stride, stride), Shape(1, 1), Shape(kernel / 2, kernel / 2), groups, 512, true);
    return BatchNorm(name + "_bn", conv, Symbol(name + "_gamma"), Symbol(name + "_beta"), Symbol(name + "_mean"),
                     Symbol(name + "_var"), 2e-5, 0.9f, false);
}

static Symbol residual(int blocks, int groups)
{
    Symbol body = Symbol::Variable("data");
    body = Activation("first_relu", normalised("first", body, 16, 3, 1, 1), ActivationActType::kRelu);
    for (int i = 0; i < blocks; i++) {
        const std::string name = "block" + std::to_string(i);
        const int filters = i < blocks / 2 ? 16 : 32, stride = i == blocks / 2 ? 2 : 1;
        Symbol inner = Activation(name + "_relu", normalised(name + "_a", body, filters, 3, stride, 1),
                                  ActivationActType::kRelu);
        inner = normalised(name + "_b", inner, filters, 3, 1, groups);
        Symbol shortcut = stride == 2 ? normalised(name + "_c", body, filters, 1, 2, 1) : body;
        body = Activation(name + "_out", inner + shortcut, ActivationActType::kRelu);
    }
    Symbol pool = Pooling("pool", body, Shape(7, 7), PoolingPoolType::kAvg, true);
    return FullyConnected("fc", Flatten("flat", pool), Symbol("fc_weight"), Symbol("fc_bias"), 10);
}

/* Concatenation, arithmetic with numbers, and two results. */
static Symbol branches()
{
    Symbol data = Symbol::Variable("data");
    std::vector<Symbol> parts;
    for (int kernel = 1; kernel <= 5; kernel += 2) {
        const std::string name = "branch" + std::to_string(kernel);
        Symbol conv = Convolution(name, data, Symbol(name + "_weight"), Symbol(name + "_bias"), Shape(kernel, kernel), 4,
                                  Shape(1, 1), Shape(1, 1), Shape(kernel / 2, kernel / 2));
        parts.push_back(2.0f - conv * 0.5f);
    }
    Symbol joined = Concat("joined", parts, 3, 1);
    Symbol picked = clip("clipped", (joined + 1.0f) / 3.0f, -0.5f, 0.75f);
    Symbol means = mean("means", picked, dmlc::optional<Shape>(Shape(2, 3)));
    return Symbol::Group({softmax("scores", means, Symbol(), -1), transpose("turned", picked, Shape(0, 2, 3, 1))});
}

int main()
{
    run("lenet", lenet(), Shape(3, 1, 28, 28));
    run("residual", residual(4, 1), Shape(2, 3, 32, 32));
    run("grouped", residual(6, 4), Shape(1, 3, 28, 20));
    run("branches", branches(), Shape(2, 3, 9, 11));
    MXNotifyShutdown();
    return 0;
}
