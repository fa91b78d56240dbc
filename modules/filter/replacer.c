/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariant: between pieces, kept is where a text may begin that goes on in the
 * next piece, or it is empty.
 */
#include "modules/filter/replacer.h"

bool
replacer_init(struct replacer *p, struct arena *a, const struct search *s,
              unsigned n)
{
    p->search = s;
    p->left = n;
    p->off = arena_try(a, n * sizeof(*p->off));
    p->room = arena_try(a, 2 * search_longest(s));
    if (p->off == NULL || p->room == NULL)
        return false;
    p->kept = p->room;
    memset(p->off, 0, n * sizeof(*p->off));
    return true;
}


static void
replace(struct replacer *p, struct chain *out, unsigned which)
{
    gather_part(&p->out, out, NULL, p->replacement(p->arg, which));
    if (p->is_once) {
        p->off[which] = true;
        p->left--;
    }
}


static bool
find(const struct replacer *p, str_t in, size_t from, bool is_whole,
     struct search_hit *hit)
{
    return p->left != 0
           && search_find(p->search, in, from, p->off, is_whole, hit);
}


/* Nothing follows what is kept. */
static void
release(struct replacer *p, struct chain *out)
{
    str_t             in = { p->kept, p->n_kept };
    struct search_hit hit;
    size_t            from = 0;

    while (find(p, in, from, true, &hit)) {
        gather_copy(&p->out, out, (str_t){ in.p + from, hit.at - from });
        replace(p, out, hit.which);
        from = hit.at + search_length(p->search, hit.which);
    }
    gather_copy(&p->out, out, str_from(in, from));
    search_move(p->search, p->n_kept);
    p->n_kept = 0;
}


/* Puts so many bytes behind what is kept, which is moved no more often than as
 * many bytes have come as there is room for. */
static void
append(struct replacer *p, const char *s, size_t n)
{
    size_t used = (size_t) (p->kept - p->room) + p->n_kept;

    if (p->n_kept == 0) {
        p->kept = p->room;
    } else if (used + n > 2 * search_longest(p->search)) {
        memmove(p->room, p->kept, p->n_kept);
        p->kept = p->room;
    }
    memcpy(p->kept + p->n_kept, s, n);
    p->n_kept += n;
}


/* Decides about what is kept, now that s follows it.  Returns how much of s is
 * decided, too; all of it where something is still kept. */
static size_t
join(struct replacer *p, str_t s, struct chain *out)
{
    size_t            kept = p->n_kept, most = search_longest(p->search) - 1;
    size_t            from = 0;
    str_t             in;
    struct search_hit hit;

    append(p, s.p, s.n < most ? s.n : most);
    in = (str_t){ p->kept, p->n_kept };
    while (from < kept && find(p, in, from, false, &hit) && hit.at < kept) {
        gather_copy(&p->out, out, (str_t){ in.p + from, hit.at - from });
        if (hit.which == SEARCH_PART) {
            p->kept += hit.at;
            p->n_kept -= hit.at;
            search_move(p->search, hit.at);
            return s.n;
        }
        replace(p, out, hit.which);
        from = hit.at + search_length(p->search, hit.which);
    }
    p->n_kept = 0;
    search_move(p->search, kept);
    if (from >= kept)
        return from - kept;
    gather_copy(&p->out, out, (str_t){ in.p + from, kept - from });
    return 0;
}


/* Passes on the first piece from an offset on, and keeps what may be cut. */
static void
pass(struct replacer *p, struct chain *in, size_t from, struct chain *out)
{
    const struct piece *piece = in->head;
    str_t               s = { piece->p, piece->n };
    struct search_hit   hit;

    while (from < s.n && find(p, s, from, false, &hit)) {
        gather_part(&p->out, out, piece, str_span(s.p + from, s.p + hit.at));
        if (hit.which == SEARCH_PART) {
            append(p, s.p + hit.at, s.n - hit.at);
            search_move(p->search, hit.at);
            from = s.n;
            break;
        }
        replace(p, out, hit.which);
        from = hit.at + search_length(p->search, hit.which);
    }
    if (p->n_kept == 0)
        search_move(p->search, s.n);
    if (from == 0) {
        chain_move_first(out, in);
        return;
    }
    gather_part(&p->out, out, piece, str_from(s, from));
    if (piece->flags & PIECE_FLUSH)
        chain_flush(out);
    chain_drop_first(in);
}


void
replacer_put(struct replacer *p, struct chain *in, struct chain *out, bool last)
{
    const struct piece *piece;
    size_t              from;

    search_go_on(p->search, &p->turn);
    while ((piece = in->head) != NULL) {
        from = 0;
        if (piece->flags & PIECE_MARK)
            release(p, out);
        else if (p->n_kept != 0 && piece->n != 0)
            from = join(p, (str_t){ piece->p, piece->n }, out);
        if (piece->n != 0)
            pass(p, in, from, out);
        else
            chain_move_first(out, in);
    }
    if (last) {
        release(p, out);
        gather_end(&p->out);
    }
}
