/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of name servers: whatever comes, an alias is a name that can be asked
 * for, and bytes behind the answer change nothing.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "core/net/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_answer(str_t packet, int family)
{
    struct dns_answer found, longer;
    char             *copy = malloc(packet.n + 1);
    size_t            i;

    CHECK(copy != NULL);
    if (packet.n != 0)
        memcpy(copy, packet.p, packet.n);
    copy[packet.n] = '\x7f';
    if (dns_answer_read(&found, packet, family)) {
        CHECK(found.n <= DNS_ADDRESSES_MAX && found.ttl <= INT32_MAX);
        for (i = 0; found.alias[i] != '\0'; i++)
            CHECK(i < DNS_NAME_MAX && found.alias[i] > ' '
                  && found.alias[i] < 0x7f
                  && found.alias[i] == ascii_lower(found.alias[i]));
        CHECK(strstr(found.alias, "..") == NULL && found.alias[0] != '.');
        CHECK(dns_answer_read(&longer, (str_t){ copy, packet.n + 1 }, family));
        CHECK(longer.n == found.n && longer.ttl == found.ttl
              && memcmp(longer.at, found.at, found.n * sizeof(found.at[0]))
                     == 0);
    }
    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t packet = { (const char *) data, size };

    check_answer(packet, AF_INET);
    check_answer(packet, AF_INET6);
    return 0;
}
