/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same for tools: one JSON object.  Members are only ever added.
 */
#include "http/explain/explain.h"

#include <stdio.h>

#include "core/base/json.h"

static const char *const kinds[] = {
#define X(name, text) [TRACE_##name] = text,
    [TRACE_VALUE] = "value",
    TRACE_KINDS(X)
#undef X
};


static void
print_string(str_t s)
{
    char   escaped[JSON_ESCAPE];
    size_t n;

    putchar('"');
    while (s.n != 0) {
        n = json_plain(s);
        fwrite(s.p, 1, n, stdout);
        s = str_from(s, n);
        if (s.n != 0)
            fwrite(escaped, 1, json_escape(&s, escaped), stdout);
    }
    putchar('"');
}


static void
print_member(const char *name, str_t value)
{
    printf("\"%s\": ", name);
    print_string(value);
}


static void
print_place(const char *file, unsigned line)
{
    if (file == NULL)
        return;
    printf(", ");
    print_member("file", str_of(file));
    printf(", \"line\": %u", line);
}


/* "Name: value" lines as an array of pairs. */
static void
print_fields(str_t text)
{
    const char *comma = "";
    str_t       line, name;

    printf("[");
    while (text.n != 0) {
        line = str_cut(&text, '\n');
        line = str_trim(line);
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            continue;
        name = str_cut(&line, ':');
        printf("%s[", comma);
        print_string(name);
        printf(", ");
        print_string(str_trim(line));
        printf("]");
        comma = ", ";
    }
    printf("]");
}


static str_t
first_line(str_t *text)
{
    str_t line = str_cut(text, '\n');

    if (line.n != 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}


static void
print_step(const struct explain_step *s)
{
    printf("{");
    print_member("kind", str_of(kinds[s->kind]));
    printf(", ");
    print_member("verdict", str_of(s->verdict));
    printf(", ");
    print_member("what", s->what);
    if (s->why.n != 0) {
        printf(", ");
        print_member("why", s->why);
    }
    print_place(s->file, s->line);
    printf(", \"depth\": %u}", s->depth);
}


static void
print_steps(const struct explain *e)
{
    const char *comma = "";

    printf("  \"steps\": [");
    VEC_EACH(&e->steps, s) {
        printf("%s\n    ", comma);
        print_step(s);
        comma = ",";
    }
    printf("\n  ],\n");
}


static void
print_request(const struct explain *e)
{
    char   from[ADDR_TEXT];
    size_t n = addr_text(from, &e->ask.from.sa, e->ask.from.len, false);

    printf("  \"request\": {");
    print_member("method", e->ask.method);
    printf(", ");
    print_member("scheme", e->ask.scheme);
    printf(", ");
    print_member("host", e->ask.host);
    printf(", ");
    print_member("target", e->ask.target);
    printf(", ");
    print_member("from", (str_t){ from, n });
    printf("},\n  \"listener\": {");
    print_member("address", e->address->text);
    if (e->listen != NULL)
        print_place(e->listen->file, e->listen->line);
    printf("},\n  \"server\": {");
    print_member("name", e->server->name);
    print_place(e->server->block->file, e->server->block->line);
    printf("},\n");
}


/* The final location: null outside of any. */
static void
print_location(const struct explain *e)
{
    str_t name = e->location ? http_location_text(e->arena, e->location)
                             : STR("");

    printf("  \"location\": ");
    if (name.n == 0) {
        printf("null,\n");
        return;
    }
    printf("{");
    print_member("name", name);
    print_place(e->location->block->file, e->location->block->line);
    printf("},\n");
}


static void
print_upstream(const struct explain *e)
{
    const struct explain_step *peer, *request;
    str_t                      head;

    peer = record_last(e, TRACE_UPSTREAM, "asks");
    request = record_last(e, TRACE_UPSTREAM, "request");
    if (peer == NULL || request == NULL) {
        printf("  \"upstream\": null,\n");
        return;
    }
    head = request->what;
    printf("  \"upstream\": {");
    print_member("url", peer->what);
    printf(", ");
    print_member("request_line", first_line(&head));
    printf(", \"headers\": ");
    print_fields(head);
    printf("},\n");
}


/* Whether the head has a field of the name before the colon of text: what was
 * added may have been cleared later. */
static bool
is_sent(const struct explain *e, str_t text)
{
    str_t head = e->head, line, name = str_cut(&text, ':');

    while (head.n != 0) {
        line = str_cut(&head, '\n');
        if (str_ieq(str_cut(&line, ':'), name))
            return true;
    }
    return false;
}


/* The fields that configuration adds, leaves out or drops. */
static void
print_headers(const struct explain *e, const char *name, const char *verdict)
{
    const char *comma = "";

    printf("\"%s\": [", name);
    VEC_EACH(&e->steps, s) {
        if (s->kind != TRACE_HEADER || s->depth != 0
            || strcmp(s->verdict, verdict) != 0)
            continue;
        if (strcmp(verdict, "added") == 0 && !is_sent(e, s->what))
            continue;
        printf("%s{", comma);
        print_member("text", s->what);
        print_place(s->file, s->line);
        printf("}");
        comma = ", ";
    }
    printf("]");
}


static void
print_response(const struct explain *e)
{
    str_t    head = e->head, line = first_line(&head);
    uint64_t status = 0;

    (void) str_cut(&line, ' ');
    (void) number_parse(str_cut(&line, ' '), 999, &status);
    printf("  \"response\": {\"status\": %u, \"headers\": ", (unsigned) status);
    print_fields(head);
    printf(",\n    ");
    print_headers(e, "added", "added");
    printf(",\n    ");
    print_headers(e, "left_out", "left out");
    printf(",\n    ");
    print_headers(e, "dropped", "dropped");
    printf("},\n");
}


static void
print_limits(const struct explain *e)
{
    const char *comma = "";

    printf("  \"limits\": [");
    VEC_EACH(&e->limits, l) {
        printf("%s\n    {", comma);
        print_member("text", l->text);
        print_place(l->file, l->line);
        printf(", \"is_default\": %s}", l->file == NULL ? "true" : "false");
        comma = ",";
    }
    printf("\n  ]\n");
}


void
json_print(const struct explain *e)
{
    printf("{\n");
    print_request(e);
    print_location(e);
    print_upstream(e);
    print_response(e);
    print_steps(e);
    print_limits(e);
    printf("}\n");
}
