// SPDX-License-Identifier: Apache-2.0
/* MXNet's C API as a header-only C++11 library wraps it: objects that own handles, operators built
 * from parameters, all inline. */
#ifndef TEST_MXNET_CLIENTS_WRAPPERS_HPP
#define TEST_MXNET_CLIENTS_WRAPPERS_HPP

#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <mxnet/c_api.h>
#include <nnvm/c_api.h>

namespace client
{

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(int status)
{
    if (status != 0)
        throw Failure(MXGetLastError());
}

/* A handle that several objects may share; the last one frees it. */
template <int (*release)(void *)> class Owner
{
  public:
    Owner() = default;
    explicit Owner(void *handle) : handle_(handle, [](void *last) { release(last); })
    {
    }
    void *get() const
    {
        return handle_.get();
    }

  private:
    std::shared_ptr<void> handle_;
};

inline std::vector<std::string> to_texts(uint32_t count, const char **texts)
{
    return std::vector<std::string>(texts, texts + count);
}

using Shape = std::vector<uint32_t>;

/* --- Arrays --- */

class Array
{
  public:
    Array()
    {
        NDArrayHandle handle;
        require(MXNDArrayCreateNone(&handle));
        owner_ = Owner<MXNDArrayFree>(handle);
    }
    explicit Array(NDArrayHandle handle) : owner_(handle)
    {
    }
    Array(const Shape &shape, int dtype)
    {
        NDArrayHandle handle;
        require(MXNDArrayCreateEx(shape.data(), static_cast<uint32_t>(shape.size()), 1, 0, true,
                                  dtype, &handle));
        owner_ = Owner<MXNDArrayFree>(handle);
    }
    Array(const Shape &shape, const std::vector<float> &values)
    {
        NDArrayHandle handle;
        require(MXNDArrayCreate(shape.data(), static_cast<uint32_t>(shape.size()), 1, 0, false,
                                &handle));
        owner_ = Owner<MXNDArrayFree>(handle);
        require(MXNDArraySyncCopyFromCPU(handle, values.data(), values.size()));
    }
    NDArrayHandle get() const
    {
        return owner_.get();
    }
    Shape shape() const
    {
        int rank;
        const int *dims;
        require(MXNDArrayGetShapeEx(get(), &rank, &dims));
        return Shape(dims, dims + rank);
    }
    int dtype() const
    {
        int dtype;
        require(MXNDArrayGetDType(get(), &dtype));
        return dtype;
    }
    std::pair<int, int> context() const
    {
        std::pair<int, int> context;
        require(MXNDArrayGetContext(get(), &context.first, &context.second));
        return context;
    }
    std::vector<float> values() const
    {
        size_t count = 1;
        for (uint32_t dim : shape())
            count *= dim;
        std::vector<float> values(count);
        require(MXNDArraySyncCopyToCPU(get(), values.data(), count));
        return values;
    }
    const float *data() const
    {
        void *data;
        require(MXNDArrayGetData(get(), &data));
        return static_cast<float *>(data);
    }
    Array slice(uint32_t begin, uint32_t end) const
    {
        NDArrayHandle handle;
        require(MXNDArraySlice(get(), begin, end, &handle));
        return Array(handle);
    }
    Array reshape(std::vector<int> dims) const
    {
        NDArrayHandle handle;
        require(MXNDArrayReshape(get(), static_cast<int>(dims.size()), dims.data(), &handle));
        return Array(handle);
    }
    void wait_to_read() const
    {
        require(MXNDArrayWaitToRead(get()));
    }
    void wait_to_write() const
    {
        require(MXNDArrayWaitToWrite(get()));
    }
    static void wait_all()
    {
        require(MXNDArrayWaitAll());
    }

  private:
    Owner<MXNDArrayFree> owner_;
};

inline std::map<std::string, Array> take_arrays(uint32_t count, NDArrayHandle *handles,
                                                uint32_t name_count, const char **names)
{
    std::map<std::string, Array> arrays;
    for (uint32_t i = 0; i < count; i++)
        arrays[name_count > 0 ? names[i] : std::to_string(i)] = Array(handles[i]);
    return arrays;
}

inline std::map<std::string, Array> load(const std::string &path)
{
    uint32_t count, name_count;
    NDArrayHandle *handles;
    const char **names;
    require(MXNDArrayLoad(path.c_str(), &count, &handles, &name_count, &names));
    return take_arrays(count, handles, name_count, names);
}

inline std::map<std::string, Array> load_bytes(const std::string &bytes)
{
    uint32_t count, name_count;
    NDArrayHandle *handles;
    const char **names;
    require(
        MXNDArrayLoadFromBuffer(bytes.data(), bytes.size(), &count, &handles, &name_count, &names));
    return take_arrays(count, handles, name_count, names);
}

inline void save(const std::string &path, const std::map<std::string, Array> &arrays)
{
    std::vector<NDArrayHandle> handles;
    std::vector<const char *> names;
    for (const auto &entry : arrays) {
        handles.push_back(entry.second.get());
        names.push_back(entry.first.c_str());
    }
    require(MXNDArraySave(path.c_str(), static_cast<uint32_t>(handles.size()), handles.data(),
                          names.data()));
}

/* --- Operators --- */

/* What there is, asked once: creators by their names, handles by all names. */
struct Registry {
    std::map<std::string, AtomicSymbolCreator> creators;
    std::map<std::string, OpHandle> handles;
    std::map<std::string, std::vector<std::string>> arguments;

    Registry()
    {
        uint32_t count;
        AtomicSymbolCreator *listed;
        require(MXSymbolListAtomicSymbolCreators(&count, &listed));
        for (uint32_t i = 0; i < count; i++) {
            const char *name, *description, *count_key, **names, **types, **descriptions;
            uint32_t arguments_count;
            require(MXSymbolGetAtomicSymbolInfo(listed[i], &name, &description, &arguments_count,
                                                &names, &types, &descriptions, &count_key));
            creators[name] = listed[i];
            arguments[name] = to_texts(arguments_count, names);
        }
        const char **names;
        nn_uint name_count;
        require(NNListAllOpNames(&name_count, &names));
        for (const std::string &name : to_texts(name_count, names))
            require(NNGetOpHandle(name.c_str(), &handles[name]));
    }
    static const Registry &get()
    {
        static const Registry registry;
        return registry;
    }
};

class Symbol
{
  public:
    Symbol() = default;
    explicit Symbol(SymbolHandle handle) : owner_(handle)
    {
    }
    explicit Symbol(const std::string &variable)
    {
        SymbolHandle handle;
        require(MXSymbolCreateVariable(variable.c_str(), &handle));
        owner_ = Owner<MXSymbolFree>(handle);
    }
    SymbolHandle get() const
    {
        return owner_.get();
    }
    static Symbol load(const std::string &path)
    {
        SymbolHandle handle;
        require(MXSymbolCreateFromFile(path.c_str(), &handle));
        return Symbol(handle);
    }
    static Symbol from_json(const std::string &json)
    {
        SymbolHandle handle;
        require(MXSymbolCreateFromJSON(json.c_str(), &handle));
        return Symbol(handle);
    }
    void save(const std::string &path) const
    {
        require(MXSymbolSaveToFile(get(), path.c_str()));
    }
    std::string json() const
    {
        const char *json;
        require(MXSymbolSaveToJSON(get(), &json));
        return json;
    }
    Symbol copy() const
    {
        SymbolHandle handle;
        require(MXSymbolCopy(get(), &handle));
        return Symbol(handle);
    }
    Symbol internals() const
    {
        SymbolHandle handle;
        require(MXSymbolGetInternals(get(), &handle));
        return Symbol(handle);
    }
    Symbol for_backend(const std::string &backend) const
    {
        SymbolHandle handle;
        require(MXGenBackendSubgraph(get(), backend.c_str(), &handle));
        return Symbol(handle);
    }
    static Symbol group(const std::vector<Symbol> &symbols)
    {
        std::vector<SymbolHandle> handles;
        SymbolHandle handle;
        for (const Symbol &symbol : symbols)
            handles.push_back(symbol.get());
        require(
            MXSymbolCreateGroup(static_cast<uint32_t>(handles.size()), handles.data(), &handle));
        return Symbol(handle);
    }
    uint32_t output_count() const
    {
        uint32_t count;
        require(MXSymbolGetNumOutputs(get(), &count));
        return count;
    }
    Symbol output(uint32_t index) const
    {
        SymbolHandle handle;
        require(MXSymbolGetOutput(get(), index, &handle));
        return Symbol(handle);
    }
    Symbol output(const std::string &name) const
    {
        const std::vector<std::string> names = outputs();
        for (uint32_t i = 0; i < names.size(); i++)
            if (names[i] == name)
                return output(i);
        throw Failure("no output " + name);
    }
    std::vector<std::string> arguments() const
    {
        return list(MXSymbolListArguments);
    }
    std::vector<std::string> outputs() const
    {
        return list(MXSymbolListOutputs);
    }
    std::vector<std::string> states() const
    {
        return list(MXSymbolListAuxiliaryStates);
    }
    std::vector<std::string> inputs() const
    {
        nn_uint count;
        const char **texts;
        require(NNSymbolListInputNames(get(), 0, &count, &texts));
        return to_texts(count, texts);
    }
    std::string name() const
    {
        const char *name;
        int has_name;
        require(MXSymbolGetName(get(), &name, &has_name));
        return has_name ? name : "";
    }
    void set(const std::string &key, const std::string &value) const
    {
        require(MXSymbolSetAttr(get(), key.c_str(), value.c_str()));
    }
    std::map<std::string, std::string> attributes() const
    {
        uint32_t count;
        const char **pairs;
        std::map<std::string, std::string> attributes;
        require(MXSymbolListAttrShallow(get(), &count, &pairs));
        for (uint32_t i = 0; i < count; i++)
            attributes[pairs[2 * i]] = pairs[2 * i + 1];
        return attributes;
    }
    /* Shapes of arguments, of results and of states. */
    std::vector<std::vector<Shape>> infer(const std::map<std::string, Shape> &known) const
    {
        std::vector<const char *> keys;
        std::vector<uint32_t> begins{0};
        std::vector<int> dims;
        for (const auto &entry : known) {
            keys.push_back(entry.first.c_str());
            dims.insert(dims.end(), entry.second.begin(), entry.second.end());
            begins.push_back(static_cast<uint32_t>(dims.size()));
        }
        uint32_t counts[3];
        const int *ranks[3], **shapes[3];
        int is_complete;
        require(MXSymbolInferShapeEx(get(), static_cast<uint32_t>(keys.size()), keys.data(),
                                     begins.data(), dims.data(), &counts[0], &ranks[0], &shapes[0],
                                     &counts[1], &ranks[1], &shapes[1], &counts[2], &ranks[2],
                                     &shapes[2], &is_complete));
        if (!is_complete)
            throw Failure("not enough shapes are known");
        std::vector<std::vector<Shape>> inferred(3);
        for (int part = 0; part < 3; part++)
            for (uint32_t i = 0; i < counts[part]; i++)
                inferred[part].emplace_back(shapes[part][i], shapes[part][i] + ranks[part][i]);
        return inferred;
    }

  private:
    std::vector<std::string> list(int (*function)(SymbolHandle, uint32_t *, const char ***)) const
    {
        uint32_t count;
        const char **texts;
        require(function(get(), &count, &texts));
        return to_texts(count, texts);
    }
    Owner<MXSymbolFree> owner_;
};

/* One operator with parameters, to make a symbol of or to run at once. */
class Operator
{
  public:
    explicit Operator(const std::string &name) : name_(name)
    {
        const Registry &registry = Registry::get();
        if (registry.handles.count(name) == 0)
            throw Failure("no operator " + name);
        handle_ = registry.handles.at(name);
    }
    template <class Value> Operator &set(const std::string &key, const Value &value)
    {
        std::ostringstream text;
        text << value;
        params_[key] = text.str();
        return *this;
    }
    /* The parameter that is documented at the place, after the arrays. */
    template <class Value> Operator &set_at(size_t place, const Value &value)
    {
        const char *name, *description, *count_key, **names, **types, **descriptions;
        uint32_t count;
        require(MXSymbolGetAtomicSymbolInfo(handle_, &name, &description, &count, &names, &types,
                                            &descriptions, &count_key));
        return set(to_texts(count, names).at(place), value);
    }
    Operator &input(const std::string &key, const Symbol &symbol)
    {
        keys_.push_back(key);
        return input(symbol);
    }
    Operator &input(const Symbol &symbol)
    {
        symbols_.push_back(symbol);
        return *this;
    }
    Operator &input(const Array &array)
    {
        arrays_.push_back(array);
        return *this;
    }
    Symbol symbol(const std::string &name) const
    {
        const Params params(params_);
        std::vector<const char *> keys;
        std::vector<SymbolHandle> inputs;
        SymbolHandle handle;
        for (const std::string &key : keys_)
            keys.push_back(key.c_str());
        for (const Symbol &input : symbols_)
            inputs.push_back(input.get());
        require(MXSymbolCreateAtomicSymbol(
            handle_, params.count(), const_cast<const char **>(params.keys.data()),
            const_cast<const char **>(params.values.data()), &handle));
        Symbol symbol(handle);
        require(MXSymbolCompose(handle, name.empty() ? nullptr : name.c_str(),
                                static_cast<uint32_t>(inputs.size()),
                                keys.empty() ? nullptr : keys.data(), inputs.data()));
        return symbol;
    }
    std::vector<Array> run() const
    {
        NDArrayHandle *results = nullptr;
        int count = 0;
        run(&results, &count);
        std::vector<Array> arrays;
        for (int i = 0; i < count; i++)
            arrays.emplace_back(results[i]);
        return arrays;
    }
    void run_into(const Array &result) const
    {
        NDArrayHandle handle = result.get(), *results = &handle;
        int count = 1;
        run(&results, &count);
    }

  private:
    struct Params {
        std::vector<const char *> keys, values;
        explicit Params(const std::map<std::string, std::string> &params)
        {
            for (const auto &entry : params) {
                keys.push_back(entry.first.c_str());
                values.push_back(entry.second.c_str());
            }
        }
        uint32_t count() const
        {
            return static_cast<uint32_t>(keys.size());
        }
    };
    void run(NDArrayHandle **results, int *count) const
    {
        Params params(params_);
        std::vector<NDArrayHandle> inputs;
        for (const Array &array : arrays_)
            inputs.push_back(array.get());
        require(MXImperativeInvoke(handle_, static_cast<int>(inputs.size()), inputs.data(), count,
                                   results, static_cast<int>(params.count()), params.keys.data(),
                                   params.values.data()));
    }
    std::string name_;
    OpHandle handle_;
    std::map<std::string, std::string> params_;
    std::vector<std::string> keys_;
    std::vector<Symbol> symbols_;
    std::vector<Array> arrays_;
};

/* --- Executors --- */

class Executor
{
  public:
    /* As cpp-package binds: with arrays for gradients although nobody will ask for any. */
    Executor(const Symbol &symbol, const std::vector<Array> &arguments,
             const std::vector<Array> &gradients, const std::vector<Array> &states)
    {
        std::vector<NDArrayHandle> handles[3];
        const std::vector<Array> *arrays[3] = {&arguments, &gradients, &states};
        for (int i = 0; i < 3; i++)
            for (const Array &array : *arrays[i])
                handles[i].push_back(array.get());
        std::vector<uint32_t> requests(arguments.size(), 1);
        ExecutorHandle handle;
        require(MXExecutorBindEX(symbol.get(), 1, 0, 0, nullptr, nullptr, nullptr,
                                 static_cast<uint32_t>(handles[0].size()), handles[0].data(),
                                 handles[1].data(), requests.data(),
                                 static_cast<uint32_t>(handles[2].size()), handles[2].data(),
                                 nullptr, &handle));
        owner_ = Owner<MXExecutorFree>(handle);
    }
    void forward() const
    {
        require(MXExecutorForward(owner_.get(), 0));
    }
    void backward() const
    {
        require(MXExecutorBackward(owner_.get(), 0, nullptr));
    }
    std::vector<Array> outputs() const
    {
        uint32_t count;
        NDArrayHandle *handles;
        std::vector<Array> arrays;
        require(MXExecutorOutputs(owner_.get(), &count, &handles));
        for (uint32_t i = 0; i < count; i++)
            arrays.emplace_back(handles[i]);
        return arrays;
    }
    std::string description() const
    {
        const char *text;
        require(MXExecutorPrint(owner_.get(), &text));
        return text;
    }
    void monitor(ExecutorMonitorCallback callback, void *user, bool all) const
    {
        require(MXExecutorSetMonitorCallbackEX(owner_.get(), callback, user, all));
    }

  private:
    Owner<MXExecutorFree> owner_;
};

} // namespace client

#endif
