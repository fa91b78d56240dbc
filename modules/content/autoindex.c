/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * autoindex: lists folders that have no index, as HTML, XML, JSON or JSONP.
 * Folders come first; names are sorted by their bytes; names that begin with a
 * dot are left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "http/files.h"
#include "modules/content/autoindex.h"
#include "modules/module.h"

enum { NAME_COLUMNS = 50, CALLBACK_MAX = 128 };

static const struct autoindex_conf *conf_at(const struct http_request *r);


static const char *
kind_of(const struct entry *e)
{
    return e->is_folder ? "directory" : e->is_file ? "file" : "other";
}


/* --- HTML ---------------------------------------------------------------- */

/* The length in bytes of the first n characters. */
static size_t
bytes_of(str_t s, size_t n)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        if (((unsigned char) s.p[i] & 0xc0) != 0x80 && n-- == 0)
            break;
    return i;
}


static size_t
columns_of(const struct page *p, str_t s)
{
    size_t i, n = 0;

    if (!p->is_utf8)
        return s.n;
    for (i = 0; i < s.n; i++)
        n += ((unsigned char) s.p[i] & 0xc0) != 0x80;
    return n;
}


/* The name, padded with blanks: one column of the table. */
static str_t
html_name(const struct page *p, const struct entry *e)
{
    size_t n = columns_of(p, e->name), cut;
    str_t  text;

    if (n > NAME_COLUMNS) {
        cut = NAME_COLUMNS - 3;
        if (p->is_utf8)
            cut = bytes_of(e->name, cut);
        text = escape_html(p->arena, (str_t){ e->name.p, cut });
        return arena_printf(p->arena, STR_F "..&gt;</a>", STR_A(text));
    }
    text = escape_html(p->arena, e->name);
    if (e->is_folder && n < NAME_COLUMNS) {
        text = str_join(p->arena, text, STR("/"));
        n++;
    }
    return arena_printf(p->arena, STR_F "</a>%*s", STR_A(text),
                        (int) (NAME_COLUMNS - n), "");
}


static str_t
html_size(const struct page *p, const struct entry *e)
{
    static const struct {
        char  letter;
        off_t from, unit;
    } units[] = { { 'G', 1 << 30, 1 << 30 },
                  { 'M', 1 << 20, 1 << 20 },
                  { 'K', 10000, 1 << 10 } };
    off_t    n;
    unsigned i;

    if (p->conf->exact_size)
        return e->is_folder
                   ? arena_printf(p->arena, "%19s", "-")
                   : arena_printf(p->arena, "%19jd", (intmax_t) e->size);
    if (e->is_folder)
        return arena_printf(p->arena, "%7s", "-");
    for (i = 0; i < countof(units); i++) {
        if (e->size < units[i].from)
            continue;
        n = e->size / units[i].unit;
        n += e->size % units[i].unit > units[i].unit / 2 - 1;
        return arena_printf(p->arena, "%6jd%c", (intmax_t) n, units[i].letter);
    }
    return arena_printf(p->arena, " %6jd", (intmax_t) e->size);
}


str_t
autoindex_date(const struct page *p, time_t at)
{
    /* nginx uses today's offset, even where the file's date had another
     * one. */
    time_t offset = p->conf->localtime ? clock_local(clock_seconds()).tm_gmtoff
                                       : 0;
    struct date d = date_at(date_clamp(at) + offset);
    str_t       month = date_month_name(d.month);

    return arena_printf(p->arena, "%02u-" STR_F "-%u %02u:%02u", d.day,
                        STR_A(month), d.year, d.hour, d.minute);
}


static void
html_entry(struct page *p, const struct entry *e)
{
    str_t href = escape_uri(p->arena, e->name, ESCAPE_URI_COMPONENT);
    str_t name = html_name(p, e), size = html_size(p, e);
    str_t date = autoindex_date(p, e->mtime);

    chain_add(&p->out, arena_printf(p->arena,
                                    "<a href=\"" STR_F "%s\">" STR_F " " STR_F
                                    " " STR_F "\r\n",
                                    STR_A(href), e->is_folder ? "/" : "",
                                    STR_A(name), STR_A(date), STR_A(size)));
}


static void
print_html(struct page *p, const struct entries *entries)
{
    str_t uri = escape_html(p->arena, p->r->uri);

    chain_add(&p->out, STR("<html>\r\n<head><title>Index of "));
    chain_add(&p->out, uri);
    chain_add(&p->out, STR("</title></head>\r\n<body>\r\n<h1>Index of "));
    chain_add(&p->out, uri);
    chain_add(&p->out, STR("</h1><hr><pre><a href=\"../\">../</a>\r\n"));
    VEC_EACH(&entries->list, e)
        html_entry(p, e);
    chain_add(&p->out, STR("</pre><hr></body>\r\n</html>\r\n"));
}


/* --- JSON and JSONP --------------------------------------------------------- */

static void
json_entry(struct page *p, const struct entry *e, bool is_first)
{
    str_t name = escape_json(p->arena, e->name);
    char  date[DATE_LEN];

    date_http(date, e->mtime);
    chain_add(&p->out, arena_printf(p->arena,
                                    "%s\r\n{ \"name\":\"" STR_F
                                    "\", \"type\":\"%s\", \"mtime\":\"%.*s\"",
                                    is_first ? "" : ",", STR_A(name),
                                    kind_of(e), DATE_LEN, date));
    if (e->is_file)
        chain_add(&p->out,
                  arena_printf(p->arena, ", \"size\":%jd", (intmax_t) e->size));
    chain_add(&p->out, STR(" }"));
}


static void
print_json(struct page *p, const struct entries *entries)
{
    if (p->callback.n != 0)
        chain_add(&p->out,
                  arena_printf(p->arena, "/* callback */\r\n" STR_F "(",
                               STR_A(p->callback)));
    chain_add(&p->out, STR("["));
    VEC_EACH(&entries->list, e)
        json_entry(p, e, e == entries->list.at);
    chain_add(&p->out, STR("\r\n]"));
    if (p->callback.n != 0)
        chain_add(&p->out, STR(");"));
}


/* Reads the argument "callback".  It becomes part of a script, so only
 * harmless characters are accepted; false: refused. */
static bool
find_callback(struct http_request *r, str_t *callback)
{
    str_t  rest = r->args, part;
    size_t i;
    char   c;

    *callback = STR_NONE;
    while (rest.p != NULL && callback->p == NULL) {
        part = str_cut(&rest, '&');
        if (str_istarts(part, STR("callback=")))
            *callback = str_from(part, sizeof("callback=") - 1);
    }
    if (callback->n > CALLBACK_MAX) {
        log_info(r->task.log,
                 "client sent too long callback name: \"" STR_F "\"",
                 STR_A(*callback));
        return false;
    }
    for (i = 0; i < callback->n; i++) {
        c = ascii_lower(callback->p[i]);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
            || c == '.')
            continue;
        log_info(r->task.log,
                 "client sent invalid callback name: \"" STR_F "\"",
                 STR_A(*callback));
        return false;
    }
    return true;
}


/* --- XML ---------------------------------------------------------------- */

static void
xml_entry(struct page *p, const struct entry *e)
{
    str_t       name = escape_html(p->arena, e->name), size = STR("");
    struct date d = date_at(e->mtime);

    if (e->is_file)
        size = arena_printf(p->arena, " size=\"%jd\"", (intmax_t) e->size);
    chain_add(&p->out,
              arena_printf(p->arena,
                           "<%s mtime=\"%04u-%02u-%02uT%02u:%02u:%02uZ\"" STR_F
                           ">" STR_F "</%s>\r\n",
                           kind_of(e), d.year, d.month, d.day, d.hour, d.minute,
                           d.second, STR_A(size), STR_A(name), kind_of(e)));
}


static void
print_xml(struct page *p, const struct entries *entries)
{
    chain_add(&p->out, STR("<?xml version=\"1.0\"?>\r\n<list>\r\n"));
    VEC_EACH(&entries->list, e)
        xml_entry(p, e);
    chain_add(&p->out, STR("</list>\r\n"));
}


/* --- reading the folder ------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->is_folder != y->is_folder)
        return x->is_folder ? -1 : 1;
    return str_cmp(x->name, y->name);
}


static bool
add_entry(struct http_request *r, DIR *d, str_t folder, const char *name,
          struct entries *entries)
{
    struct stat   st;
    struct entry *e;

    if (fstatat(dirfd(d), name, &st, 0) == -1) {
        if (errno != ENOENT && errno != ELOOP) {
            log_at(r->task.log, LEVEL_CRIT, errno,
                   "stat() \"" STR_F "%s\" failed", STR_A(folder), name);
            return errno == EACCES;
        }
        if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
            log_at(r->task.log, LEVEL_CRIT, errno,
                   "lstat() \"" STR_F "%s\" failed", STR_A(folder), name);
            return false;
        }
    }
    e = vec_push(r->task.arena, &entries->list);
    e->name = str_copy(r->task.arena, str_of(name));
    e->mtime = st.st_mtime;
    e->size = st.st_size;
    e->is_folder = S_ISDIR(st.st_mode);
    e->is_file = S_ISREG(st.st_mode);
    return true;
}


static bool
read_entries(struct http_request *r, DIR *d, str_t folder,
             struct entries *entries)
{
    struct dirent *de;

    for (;;) {
        errno = 0;
        de = readdir(d);
        if (de == NULL)
            break;
        if (de->d_name[0] != '.'
            && !add_entry(r, d, folder, de->d_name, entries))
            return false;
    }
    if (errno != 0) {
        log_at(r->task.log, LEVEL_CRIT, errno, "readdir() \"" STR_F "\" failed",
               STR_A(folder));
        return false;
    }
    if (entries->list.n > 1)
        qsort(entries->list.at, entries->list.n, sizeof(entries->list.at[0]),
              compare);
    return true;
}


/* --- the handler ------------------------------------------------------------- */

static enum step
send_page(struct http_request *r, enum format format, str_t callback,
          struct entries *entries)
{
    static const char *const types[]
        = { [FORMAT_HTML] = "text/html",
            [FORMAT_JSON] = "application/json",
            [FORMAT_JSONP] = "application/javascript",
            [FORMAT_XML] = "text/xml" };
    struct page p = {
        .r = r, .arena = r->task.arena, .conf = conf_at(r), .callback = callback
    };
    enum step step;

    r->out.status = 200;
    r->out.content_type = str_of(types[format]);
    if (format == FORMAT_XML)
        r->out.type_tail = STR("; charset=utf-8");
    step = http_send_head(r);
    if (step != STEP_NEXT)
        return step;
    p.is_utf8 = str_ieq(r->out.type_tail, STR("; charset=utf-8"));
    chain_init(&p.out, r->task.arena);
    switch (format) {
    case FORMAT_HTML:
        if (p.conf->theme == THEME_MODERN)
            autoindex_print_modern(&p, entries);
        else
            print_html(&p, entries);
        break;
    case FORMAT_XML:
        print_xml(&p, entries);
        break;
    case FORMAT_JSON:
    case FORMAT_JSONP:
        print_json(&p, entries);
        break;
    }
    return http_send(r, &p.out, true);
}


static enum step
list_folder(struct http_request *r, str_t folder)
{
    enum format    format = conf_at(r)->format;
    struct entries entries = { { NULL, 0, 0 } };
    str_t          callback = STR_NONE;
    bool           is_read;
    DIR           *d;

    if (format == FORMAT_JSONP) {
        if (!find_callback(r, &callback))
            return http_fail(r, 400);
        if (callback.n == 0)
            format = FORMAT_JSON;
    }
    d = opendir(folder.p);
    if (d == NULL)
        return http_folder_fail(r, folder, errno);
    is_read = read_entries(r, d, folder, &entries);
    closedir(d);
    if (!is_read)
        return http_fail(r, 500);
    return send_page(r, format, callback, &entries);
}


static enum step
serve(struct task *t)
{
    struct http_request *r = http_of(t);
    size_t               root_len;
    str_t                folder;

    if (!conf_at(r)->autoindex || !(r->method & (HTTP_GET | HTTP_HEAD))
        || !http_uri_is_folder(r))
        return STEP_NEXT;
    folder = http_map_path(r, &root_len);
    if (folder.p == NULL)
        return http_fail(r, 500);
    return list_folder(r, folder);
}


static const struct conf_word formats[] = {
    { "html", FORMAT_HTML },
    { "json", FORMAT_JSON },
    { "jsonp", FORMAT_JSONP },
    { "xml", FORMAT_XML },
    { NULL, 0 },
};

static const struct conf_word themes[]
    = { { "plain", THEME_PLAIN }, { "modern", THEME_MODERN }, { NULL, 0 } };

static const struct directive rows[] = {
    FLAG("autoindex", IN_WEB, struct autoindex_conf, autoindex, "off",
         "Answers requests for folders without an index with a list of their "
         "files."),
    FLAG("autoindex_exact_size", IN_WEB, struct autoindex_conf, exact_size,
         "on", "Lists sizes in bytes; off rounds to K, M and G. HTML only."),
    FLAG("autoindex_localtime", IN_WEB, struct autoindex_conf, localtime, "off",
         "Lists times in the server's time zone instead of UTC. HTML only."),
    ENUM("autoindex_format", IN_WEB, struct autoindex_conf, format, "html",
         formats, "How the list is written."),
    ENUM("autoindex_theme", IN_WEB, struct autoindex_conf, theme, "plain",
         themes,
         "How the HTML page looks: plain is nginx's, modern can be sorted and "
         "is readable on small and dark screens."),
    { .name = NULL },
};

struct module autoindex_module = {
    .name = "http_autoindex",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct autoindex_conf),
    .phase = { [PHASE_CONTENT] = serve },
};


static const struct autoindex_conf *
conf_at(const struct http_request *r)
{
    return conf_of(&r->task, &autoindex_module);
}
