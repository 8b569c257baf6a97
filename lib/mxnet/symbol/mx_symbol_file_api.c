// SPDX-License-Identifier: Apache-2.0
/* Symbols from files and texts, and into them. */
#include <mxnet/c_api/symbol.h>

#include <string.h>

#include "base/new_file.h"
#include "base/source.h"
#include "base/text.h"
#include "mxnet/base/mx_error.h"
#include "mxnet/base/mx_returns.h"
#include "mxnet/symbol/mx_symbol.h"

static cop_status read_file(const char *path, struct mx_symbol **symbol, cop_error *error)
{
    struct source *source;
    COP_TRY(cop_source_open(path, COP_FILE_ACCESS_READ, &source, error));
    const cop_status status =
        cop_mx_symbol_read(cop_source_bytes(source), cop_source_size(source), path, symbol, error);
    cop_source_release(&source);
    return status;
}

int MXSymbolCreateFromFile(const char *fname, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    const cop_status status = fname == NULL || out == NULL
                                  ? cop_mx_fail_null(fname == NULL ? "fname" : "out", &error)
                                  : read_file(fname, &made, &error);
    if (status == COP_STATUS_OK)
        *out = made;
    return cop_mx_end(status, &error);
}

int MXSymbolCreateFromJSON(const char *json, SymbolHandle *out)
{
    cop_error error;
    struct mx_symbol *made = NULL;
    const cop_status status = json == NULL || out == NULL
                                  ? cop_mx_fail_null(json == NULL ? "json" : "out", &error)
                                  : cop_mx_symbol_read(json, strlen(json), "json", &made, &error);
    if (status == COP_STATUS_OK)
        *out = made;
    return cop_mx_end(status, &error);
}

static cop_status write_file(const struct mx_symbol *symbol, const char *path, cop_error *error)
{
    struct text json = {0};
    struct new_file file;
    cop_status status = cop_mx_symbol_write(symbol, &json, error);
    if (status == COP_STATUS_OK)
        status = cop_new_file_begin(&file, path, error);
    if (status == COP_STATUS_OK) {
        status = cop_new_file_write(&file, json.bytes, json.length, error);
        status = cop_new_file_end(&file, status, error);
    }
    cop_text_free(&json);
    return status;
}

int MXSymbolSaveToFile(SymbolHandle symbol, const char *fname)
{
    cop_error error;
    cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK)
        status =
            fname == NULL ? cop_mx_fail_null("fname", &error) : write_file(symbol, fname, &error);
    return cop_mx_end(status, &error);
}

int MXSymbolSaveToJSON(SymbolHandle symbol, const char **out_json)
{
    cop_error error;
    struct text json = {0};
    cop_status status = cop_mx_check_handle(symbol, MX_KIND_SYMBOL, "symbol", &error);
    if (status == COP_STATUS_OK && out_json == NULL)
        status = cop_mx_fail_null("out_json", &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_write(symbol, &json, &error);
    if (status == COP_STATUS_OK)
        status = cop_mx_return_text(MX_SLOT_TEXT, json.bytes, out_json, &error);
    cop_text_free(&json);
    return cop_mx_end(status, &error);
}
