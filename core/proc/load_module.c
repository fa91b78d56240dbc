/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file ngx_http_NAME_module.so stands for the module NAME of this build;
 * ngx_stream_module.so and ngx_mail_module.so stand for the whole of stream
 * and mail.
 */
#include "core/proc/load_module.h"

#include <errno.h>
#include <unistd.h>

#include "core/event/task.h"

struct part {
    const char *prefix;
    unsigned    serves;
};

static const struct part parts[] = {
    { "http_", FOR_HTTP },
    { "stream_", FOR_STREAM },
    { "mail_", FOR_MAIL },
};


/* "http_geoip" for "/x/ngx_http_geoip_module.so"; empty: not of that form. */
static str_t
module_name(str_t path)
{
    const char *slash = str_rchr(path, '/');
    str_t       name = slash ? str_span(slash + 1, path.p + path.n) : path;
    str_t       start = STR("ngx_"), end = STR("_module.so");

    if (!str_starts(name, start) || !str_ends(name, end)
        || name.n <= start.n + end.n)
        return STR_NONE;
    return (str_t){ name.p + start.n, name.n - start.n - end.n };
}


static bool
serves_any(unsigned part)
{
    for (struct module *const *m = weir_modules; *m != NULL; m++)
        if ((*m)->serves == part)
            return true;
    return false;
}


/* nginx names filters x_filter; our own name may also begin with the
 * prefix. */
static bool
is_module(const struct module *m, str_t prefix, str_t name)
{
    str_t own = str_of(m->name), filter = STR("_filter");

    if (str_starts(own, prefix))
        own = str_from(own, prefix.n);
    if (str_eq(own, name))
        return true;
    return str_ends(name, filter)
           && str_eq(own, (str_t){ name.p, name.n - filter.n });
}


static bool
is_built_in(str_t name)
{
    if (str_is(name, "stream"))
        return serves_any(FOR_STREAM);
    if (str_is(name, "mail"))
        return serves_any(FOR_MAIL);
    for (size_t i = 0; i < countof(parts); i++) {
        str_t prefix = str_of(parts[i].prefix);

        if (!str_starts(name, prefix))
            continue;
        for (struct module *const *m = weir_modules; *m != NULL; m++)
            if (((*m)->serves & parts[i].serves)
                && is_module(*m, prefix, str_from(name, prefix.n)))
                return true;
    }
    return false;
}


static const char *
parse(struct conf *cf, void *field)
{
    str_t path = conf_path_prefix(cf, cf->args[1]), name = module_name(path);

    (void) field;
    if (cf->gen->root->first != NULL) /* must precede all blocks  */
        return conf_error(cf,
                          "\"load_module\" directive is specified too late");
    if (name.n != 0 && is_built_in(name))
        return NULL;
    if (name.n != 0)
        return conf_error(cf,
                          "module \"" STR_F "\" is not supported by this "
                          "build",
                          STR_A(path));
    if (access(path.p, F_OK) == -1)
        return conf_error(cf,
                          "dlopen() \"" STR_F "\" failed (" STR_F
                          ": cannot open shared object file: %s)",
                          STR_A(path), STR_A(path), strerror(errno));
    return conf_error(cf, "module \"" STR_F "\" is not binary compatible",
                      STR_A(path));
}


const struct conf_type load_module_type
    = { .name = "load module", .parse = parse };
