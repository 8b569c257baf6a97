// SPDX-License-Identifier: Apache-2.0
/* What a program from MXNet begins with, against the installed headers and library. */
#include <mxnet/c_api.h>
#include <mxnet/c_predict_api.h>
#include <nnvm/c_api.h>
#include <stdio.h>

int main(void)
{
    int version = 0;
    SymbolHandle symbol = NULL;
    if (MXGetVersion(&version) != 0 || version != 10901)
        return 1;
    if (MXSymbolCreateVariable("data", &symbol) != 0 || MXSymbolFree(symbol) != 0)
        return 1;
    printf("MXNet %d\n", version);
    return 0;
}
