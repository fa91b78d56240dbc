/* SPDX-License-Identifier: BSD-2-Clause */
/* Method names to bits. */
#include "http/method.h"

#include "core/base/check.h"

static const struct {
    str_t    name;
    unsigned bit;
} methods[] = {
    { STR_INIT("GET"), HTTP_GET },
    { STR_INIT("HEAD"), HTTP_HEAD },
    { STR_INIT("POST"), HTTP_POST },
    { STR_INIT("PUT"), HTTP_PUT },
    { STR_INIT("DELETE"), HTTP_DELETE },
    { STR_INIT("MKCOL"), HTTP_MKCOL },
    { STR_INIT("COPY"), HTTP_COPY },
    { STR_INIT("MOVE"), HTTP_MOVE },
    { STR_INIT("OPTIONS"), HTTP_OPTIONS },
    { STR_INIT("PROPFIND"), HTTP_PROPFIND },
    { STR_INIT("PROPPATCH"), HTTP_PROPPATCH },
    { STR_INIT("LOCK"), HTTP_LOCK },
    { STR_INIT("UNLOCK"), HTTP_UNLOCK },
    { STR_INIT("PATCH"), HTTP_PATCH },
    { STR_INIT("TRACE"), HTTP_TRACE },
    { STR_INIT("CONNECT"), HTTP_CONNECT },
};


unsigned
method_parse(str_t name)
{
    size_t i;

    if (str_is(name, "GET"))
        return HTTP_GET;
    for (i = 0; i < countof(methods); i++)
        if (str_eq(name, methods[i].name))
            return methods[i].bit;
    return HTTP_OTHER;
}


unsigned
method_named(str_t name)
{
    size_t i;

    for (i = 0; i < countof(methods); i++)
        if (str_ieq(name, methods[i].name))
            return methods[i].bit;
    return HTTP_OTHER;
}
