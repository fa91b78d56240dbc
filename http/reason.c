/* SPDX-License-Identifier: BSD-2-Clause */
/* Reason phrases, with nginx's wording, which clients' tests expect. */
#include "http/response.h"


str_t
http_reason(unsigned status)
{
#define R(status, text) \
    case status: \
        return STR(text)

    switch (status) {
        R(100, "Continue");
        R(101, "Switching Protocols");
        R(103, "Early Hints");
        R(200, "OK");
        R(201, "Created");
        R(202, "Accepted");
        R(204, "No Content");
        R(206, "Partial Content");
        R(301, "Moved Permanently");
        R(302, "Moved Temporarily");
        R(303, "See Other");
        R(304, "Not Modified");
        R(307, "Temporary Redirect");
        R(308, "Permanent Redirect");
        R(400, "Bad Request");
        R(401, "Unauthorized");
        R(402, "Payment Required");
        R(403, "Forbidden");
        R(404, "Not Found");
        R(405, "Not Allowed");
        R(406, "Not Acceptable");
        R(407, "Proxy Authentication Required");
        R(408, "Request Time-out");
        R(409, "Conflict");
        R(410, "Gone");
        R(411, "Length Required");
        R(412, "Precondition Failed");
        R(413, "Request Entity Too Large");
        R(414, "Request-URI Too Large");
        R(415, "Unsupported Media Type");
        R(416, "Requested Range Not Satisfiable");
        R(421, "Misdirected Request");
        R(429, "Too Many Requests");
        R(500, "Internal Server Error");
        R(501, "Not Implemented");
        R(502, "Bad Gateway");
        R(503, "Service Temporarily Unavailable");
        R(504, "Gateway Time-out");
        R(505, "HTTP Version Not Supported");
        R(507, "Insufficient Storage");
    }
#undef R
    return STR("");
}
