// SPDX-License-Identifier: Apache-2.0
/* Operators, to make symbols of or to run at once. Part of a header-only C++11 library over MXNet's
 * C API, as MXNet's own cpp-package is one. */
#ifndef TEST_MXNET_CLIENTS_WRAP_OPERATOR_HPP
#define TEST_MXNET_CLIENTS_WRAP_OPERATOR_HPP

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <nnvm/c_api.h>
#include "mxnet/clients/wrap_array.hpp"
#include "mxnet/clients/wrap_symbol.hpp"

namespace client
{

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

} // namespace client

#endif
