/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main() of a fuzz target in the test suite: feeds each file of
 * t/fuzz/corpus/NAME to it once, then each file cut short at some places,
 * and reports in TAP.  NAME is set by the build; files or directories on the
 * command line are taken instead.  An input that breaks the target ends the
 * program; the line before tells which file it was.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef FUZZ_NAME
#define FUZZ_NAME "none"
#endif

enum { CUTS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count;


/* Each piece in a block of its own size, so that sanitizers see overruns. */
static void
feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (copy == NULL)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}


static void
replay_file(const char *path)
{
    struct stat st;
    uint8_t    *data;
    size_t      size;
    FILE       *f = fopen(path, "rb");

    printf("# %s\n", path);
    fflush(stdout);
    if (f == NULL || fstat(fileno(f), &st) == -1
        || (data = malloc((size_t) st.st_size + 1)) == NULL)
    {
        printf("not ok %u - %s cannot be read\n", ++count, path);
        if (f != NULL)
            fclose(f);
        return;
    }
    size = fread(data, 1, (size_t) st.st_size, f);
    fclose(f);

    feed(data, size);
    for (size_t i = 0; i < CUTS; i++)
        feed(data, size * i / CUTS);
    free(data);
    printf("ok %u - %s\n", ++count, path);
}


static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}


static void
replay(const char *path)
{
    struct dirent **entry;
    char            name[4096];
    int             n = scandir(path, &entry, is_visible, alphasort);

    if (n < 0) {
        replay_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%s/%s", path, entry[i]->d_name);
        replay_file(name);
        free(entry[i]);
    }
    free(entry);
}


int
main(int argc, char **argv)
{
    (void) alarm(600); /* an input that loops ends the test */
    if (argc < 2)
        replay("t/fuzz/corpus/" FUZZ_NAME);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("1..%u\n", count);
    return 0;
}
