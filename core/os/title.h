/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process title that ps shows.
 */
#pragma once

/* Moves the environment, so that its room can be used for titles; call it
 * before anything keeps a pointer into the environment.  Returns argv, which
 * is a copy from then on. */
char **title_init(int argc, char **argv);

/* Sets the title to "PROGRAM: text". */
void title_set(const char *program, const char *text);

/* Frees the memory of title_init. */
void title_fini(void);
