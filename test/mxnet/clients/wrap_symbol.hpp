// SPDX-License-Identifier: Apache-2.0
/* Symbols. Part of a header-only C++11 library over MXNet's C API, as MXNet's own cpp-package is
 * one. */
#ifndef TEST_MXNET_CLIENTS_WRAP_SYMBOL_HPP
#define TEST_MXNET_CLIENTS_WRAP_SYMBOL_HPP

#include <map>
#include <string>
#include <vector>

#include <nnvm/c_api.h>
#include "mxnet/clients/wrap_base.hpp"

namespace client
{

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

} // namespace client

#endif
