# SPDX-License-Identifier: BSD-2-Clause
#
# What -t says of rewrite, if, set, return, break, map, geo, split_clients,
# expires, add_header and add_trailer: the first line, and whether they are
# taken.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_geo', 'http_split_clients');

# F is the file.
my @http = (
    'map $uri x {}' => 'invalid variable name "x" in F:4',
    'map $uri $x { default; }'
        => 'invalid number of the map parameters in F:4',
    'map $uri $x { hostnames; default a; *.b.c d; .b.c e; }'
        => 'conflicting parameter ".b.c" in F:4',
    'map $uri $x { hostnames; *.b.c d; *.b.c e; }'
        => 'conflicting parameter "*.b.c" in F:4',
    'map $uri $x { hostnames; .b.c d; b.c e; }'
        => 'conflicting parameter "b.c" in F:4',
    'map $uri $x { hostnames; b.c e; .b.c d; }'
        => 'conflicting parameter ".b.c" in F:4',
    'map $uri $x { hostnames; .b.c d; *.b.c e; }'
        => 'conflicting parameter "*.b.c" in F:4',
    'map $uri $x { hostnames; *.b.c e; .b.c d; }'
        => 'conflicting parameter ".b.c" in F:4',
    'map $uri $x { hostnames; b.* d; b.* e; }'
        => 'conflicting parameter "b.*" in F:4',
    'map $uri $x { hostnames; b..c d; }'
        => 'invalid hostname or wildcard "b..c" in F:4',
    'map $uri $x { hostnames; *b.c d; }'
        => 'invalid hostname or wildcard "*b.c" in F:4',
    'map $uri $x { hostnames; a*.b d; }'
        => 'invalid hostname or wildcard "a*.b" in F:4',
    'map $uri $x { hostnames; a.*.b d; }'
        => 'invalid hostname or wildcard "a.*.b" in F:4',
    'map $uri $x { hostnames; * d; }'
        => 'invalid hostname or wildcard "*" in F:4',
    'map $uri $x { hostnames; *. d; }'
        => 'invalid hostname or wildcard "*." in F:4',
    'map $uri $x { hostnames; *.* d; }'
        => 'invalid hostname or wildcard "*.*" in F:4',
    'map $uri $x { hostnames; *.a.* d; }'
        => 'invalid hostname or wildcard "*.a.*" in F:4',
    'map $uri $x { hostnames; "" d; "" e; }'
        => 'conflicting parameter "" in F:4',
    'map $uri $x { "" d; "" e; }' => 'conflicting parameter "" in F:4',
    'map $uri $x { hostnames; ..a d; }'
        => 'invalid hostname or wildcard "..a" in F:4',
    'map $uri $x { a d; A e; }' => 'conflicting parameter "a" in F:4',
    'map $uri $x { \\a d; a e; }' => 'conflicting parameter "a" in F:4',
    'map $uri $x { include; }'
        => 'invalid number of the map parameters in F:4',
    'map $uri $x { include a b; }'
        => 'invalid number of the map parameters in F:4',
    'map $uri $x { default a b; }'
        => 'invalid number of the map parameters in F:4',
    'map $uri $x { volatile a; volatile b; }'
        => 'conflicting parameter "volatile" in F:4',
    'map $uri $x { ~(?<uri>a) a; }' => 'the duplicate "uri" variable in F:4',
    'map $uri $x { ~a $y; }' => 'unknown "y" variable',
    'map $uri $x { ~a $; }' => 'invalid variable name in F:4',
    'map $uri $x { ~a ${; }' => 'invalid variable name in F:4',
    'map $uri $x { ~a "${a"; }'
        => 'the closing bracket in "a" variable is missing in F:4',
    'map $ $x { }' => 'invalid variable name in F:4',
    'map "$" $x { }' => 'invalid variable name in F:4',
    'map $uri $ { }' => 'invalid variable name "$" in F:4',
    'map $uri "" { }' => 'invalid variable name "" in F:4',
    'map $uri $x { a {b} }' => 'unexpected "{" in F:4',
    'map $uri $x { a { b c; } }' => 'unexpected "{" in F:4',
    'map $uri { }' => 'invalid number of arguments in "map" directive in F:4',
    'map $uri $x $y { }'
        => 'invalid number of arguments in "map" directive in F:4',
    'map $uri $x;' => 'directive "map" has no opening "{" in F:4',
    'map $uri $x { a b } ' => 'unexpected "}" in F:4',
    'map $uri $uri {}' => 'the duplicate "uri" variable in F:4',
    'map $nosuch $x { }' => 'unknown "nosuch" variable',
    'geo { }' => 'invalid number of arguments in "geo" directive in F:4',
    'geo $x' => 'unexpected "}" in F:5',
    'geo x { }' => 'invalid variable name "x" in F:4',
    'geo $x y { }' => 'invalid variable name "y" in F:4',
    'geo x $y { }' => 'invalid variable name "x" in F:4',
    'geo $x $y { }' => 'unknown "x" variable',
    'geo $uri $uri { }' => 'the duplicate "uri" variable in F:4',
    'geo $x $y $z { }'
        => 'invalid number of arguments in "geo" directive in F:4',
    'geo $x { default; }' => 'invalid number of the geo parameters in F:4',
    'geo $x { default a b; }' => 'invalid number of the geo parameters in F:4',
    'geo $x { default a; default b; }'
        => 'duplicate network "default", value: "b", old value: "a" in F:4',
    'geo $x { 1.2.3.4 a; 1.2.3.4/32 b; }'
        => 'duplicate network "1.2.3.4/32", value: "b", old value: "a" in F:4',
    'geo $x { 1.2.3.4/33 a; }' => 'invalid network "1.2.3.4/33" in F:4',
    'geo $x { 1.2.3 a; }' => 'invalid network "1.2.3" in F:4',
    'geo $x { a b; }' => 'invalid network "a" in F:4',
    'geo $x { "" b; }' => 'invalid network "" in F:4',
    'geo $x { 1.2.3.4/255.255.0.0 a; }'
        => 'invalid network "1.2.3.4/255.255.0.0" in F:4',
    'geo $x { 1.2.3.4/a a; }' => 'invalid network "1.2.3.4/a" in F:4',
    'geo $x { 1.2.3.4/ a; }' => 'invalid network "1.2.3.4/" in F:4',
    'geo $x { /8 a; }' => 'invalid network "/8" in F:4',
    'geo $x { 1.2.3.4-1.2.3.5 a; }'
        => 'invalid network "1.2.3.4-1.2.3.5" in F:4',
    'geo $x { 1.2.3.4/8 a; }'
        => 'low address bits of 1.2.3.4/8 are meaningless in F:4',
    'geo $x { ::/0 a; default b; }'
        => 'duplicate network "default", value: "b", old value: "a" in F:4',
    'geo $x { 0.0.0.0/0 a; default b; }'
        => 'duplicate network "default", value: "b", old value: "a" in F:4',
    'geo $x { 2001::1/16 a; }'
        => 'low address bits of 2001::1/16 are meaningless in F:4',
    'geo $x { 2001::/129 a; }' => 'invalid network "2001::/129" in F:4',
    'geo $x { [::1] a; }' => 'invalid network "[::1]" in F:4',
    'geo $x { unix: a; }' => 'invalid network "unix:" in F:4',
    'geo $x { delete 1.2.3.4; }' => 'no network "1.2.3.4" to delete in F:4',
    'geo $x { delete default; }' => 'invalid network "default" in F:4',
    'geo $x { default a; delete default; }'
        => 'invalid network "default" in F:4',
    'geo $x { delete x; }' => 'invalid network "x" in F:4',
    'geo $x { delete; }' => 'invalid number of the geo parameters in F:4',
    'geo $x { proxy; }' => 'invalid number of the geo parameters in F:4',
    'geo $x { proxy x; }' => 'invalid network "x" in F:4',
    'geo $x { proxy 1.2.3.4/8; }'
        => 'low address bits of 1.2.3.4/8 are meaningless in F:4',
    'geo $x { proxy_recursive on; }'
        => 'invalid network "proxy_recursive" in F:4',
    'geo $x { ranges on; }' => 'invalid network "ranges" in F:4',
    'geo $x { default a; ranges; }'
        => 'the "ranges" directive must be the first directive inside "geo" block in F:4',
    'geo $x { delete 1.1.1.1; ranges; }'
        => 'no network "1.1.1.1" to delete in F:4',
    'geo $x { ranges; default a; default b; }'
        => 'duplicate default geo range value: "b", old value: "a" in F:4',
    'geo $x { ranges; 1.0.0.0/8 a; }' => 'invalid range "1.0.0.0/8" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0 a; }'
        => 'invalid range "1.0.0.0-1.0.0" in F:4',
    'geo $x { ranges; 1.0.0.0- a; }' => 'invalid range "1.0.0.0-" in F:4',
    'geo $x { ranges; -1.0.0.0 a; }' => 'invalid range "-1.0.0.0" in F:4',
    'geo $x { ranges; 1.0.0.1-1.0.0.0 a; }'
        => 'invalid range "1.0.0.1-1.0.0.0" in F:4',
    'geo $x { ranges; ::1-::2 a; }' => 'invalid range "::1-::2" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.5-1.0.0.20 b; }'
        => 'range "1.0.0.5-1.0.0.20" overlaps "1.0.0.0-1.0.0.9" in F:4',
    'geo $x { ranges; 1.0.0.2-1.0.0.5 a; 1.0.0.0-1.0.0.9 b; }'
        => 'range "1.0.0.0-1.0.0.9" overlaps "1.0.0.2-1.0.0.5" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.0-1.0.0.9 b; }'
        => 'duplicate range "1.0.0.0-1.0.0.9", value: "b", old value: "a" in F:4',
    'geo $x { ranges; 1.0.0.0-1.2.0.9 a; 1.0.0.0-1.2.0.9 b; }'
        => 'duplicate range "1.0.0.0-1.2.0.9", value: "b", old value: "a" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; delete 1.0.0.0-1.0.0.5; }'
        => 'no address range "1.0.0.0-1.0.0.5" to delete in F:4',
    'geo $x { ranges; delete 1.0.0.0-1.0.0.5; }'
        => 'no address range "1.0.0.0-1.0.0.5" to delete in F:4',
    'geo $x { ranges; delete 1.0.0.0; }' => 'invalid range "1.0.0.0" in F:4',
    'geo $x { ranges; delete default; }' => 'invalid range "default" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.20-1.0.0.30 b; 1.0.0.5-1.0.0.25 c; }'
        => 'range "1.0.0.5-1.0.0.25" overlaps "1.0.0.20-1.0.0.30" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.10-1.0.0.30 b; 1.0.0.0-1.0.0.30 c; }'
        => 'range "1.0.0.0-1.0.0.30" overlaps "1.0.0.10-1.0.0.30" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 0.0.0.0-1.0.0.9 c; }'
        => 'duplicate range "0.0.0.0-1.0.0.9", value: "c", old value: "a" in F:4',
    'geo $x { ranges; 0.0.0.0-255.255.255.255 c; }'
        => 'invalid range "0.0.0.0-255.255.255.255" in F:4',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a b; }'
        => 'invalid number of the geo parameters in F:4',
    'geo $x { ranges a; }' => 'invalid network "ranges" in F:4',
    'geo $x { volatile2; }' => 'invalid number of the geo parameters in F:4',
    'geo $remote_addr { }' => 'the duplicate "remote_addr" variable in F:4',
    'geo $x { 1.2.3.4 {} }' => 'unexpected "{" in F:4',
    'geo $ { }' => 'invalid variable name "$" in F:4',
    'geo $ $x { }' => 'invalid variable name "$" in F:4',
    'split_clients a { }'
        => 'invalid number of arguments in "split_clients" directive in F:4',
    'split_clients a x { }' => 'invalid variable name "x" in F:4',
    'split_clients $nosuch $x { * a; }' => 'unknown "nosuch" variable',
    'split_clients $uri $x { 0.001% a; }'
        => 'invalid percent value "0.001%" in F:4',
    'split_clients $uri $x { -5% a; }' => 'invalid percent value "-5%" in F:4',
    'split_clients $uri $x { 100.01% a; }'
        => 'percent total is greater than 100% in F:4',
    'split_clients $uri $x { 101% a; }'
        => 'percent total is greater than 100% in F:4',
    'split_clients $uri $x { % a; }' => 'invalid percent value "%" in F:4',
    'split_clients $uri $x { a% a; }' => 'invalid percent value "a%" in F:4',
    'split_clients $uri $x { 1e1% a; }'
        => 'invalid percent value "1e1%" in F:4',
    'split_clients $uri $x { 10 a; }' => 'invalid percent value "10" in F:4',
    'split_clients $uri $x { "" a; }' => 'invalid percent value "" in F:4',
    'split_clients $uri $x { 1.5.5% a; }'
        => 'invalid percent value "1.5.5%" in F:4',
    'split_clients $uri $x { 0% a; * b; }'
        => 'invalid percent value "0%" in F:4',
    'split_clients $uri $x { 0.00% a; * b; }'
        => 'invalid percent value "0.00%" in F:4',
    'split_clients $uri $x { 10%% a; * b; }'
        => 'invalid percent value "10%%" in F:4',
    'split_clients $uri $x { include x; }'
        => 'invalid percent value "include" in F:4',
    'split_clients $uri $uri { * a; }'
        => 'the duplicate "uri" variable in F:4',
    'split_clients "${uri" $x { * a; }'
        => 'the closing bracket in "uri" variable is missing in F:4',
    'split_clients $uri $x { 99999999999999999999% a; }'
        => 'invalid percent value "99999999999999999999%" in F:4',
    'split_clients $uri $x { * b; 50% c; }'
        => 'percent total is greater than 100% in F:4',
    'split_clients $uri $x { ** c; }' => 'invalid percent value "**" in F:4',
    'split_clients $uri $x { 10% a { } }' => 'unexpected "{" in F:4',
    'expires;' => 'invalid number of arguments in "expires" directive in F:4',
    'expires 1h 2h;' => '"expires" directive invalid value in F:4',
    'expires modified;' => '"expires" directive invalid value in F:4',
    'expires modified off;' => '"expires" directive invalid value in F:4',
    'expires modified epoch;' => '"expires" directive invalid value in F:4',
    'expires modified max;' => '"expires" directive invalid value in F:4',
    'expires modified @1h;'
        => '"expires" directive daily time cannot be used with "modified" parameter in F:4',
    'expires @25h;'
        => '"expires" directive daily time value must be less than 24 hours in F:4',
    'expires @-1h;' => '"expires" directive invalid value in F:4',
    'expires @;' => '"expires" directive invalid value in F:4',
    'expires ++1h;' => '"expires" directive invalid value in F:4',
    'expires 1h modified;' => '"expires" directive invalid value in F:4',
    'expires 1x;' => '"expires" directive invalid value in F:4',
    'expires "";' => '"expires" directive invalid value in F:4',
    'expires -;' => '"expires" directive invalid value in F:4',
    'expires +;' => '"expires" directive invalid value in F:4',
    'expires $uri 1h;' => '"expires" directive invalid value in F:4',
    'expires a b c;'
        => 'invalid number of arguments in "expires" directive in F:4',
    'expires $nosuch;' => 'unknown "nosuch" variable',
    'expires ${;' => 'invalid variable name in F:4',
    'expires 1h; expires 2h;' => '"expires" directive is duplicate in F:4',
    'expires epoch x;' => '"expires" directive invalid value in F:4',
    'expires 99999999999999999999;'
        => '"expires" directive invalid value in F:4',
    'expires 1d1d;' => '"expires" directive invalid value in F:4',
    'expires 1h1d;' => '"expires" directive invalid value in F:4',
    'expires 1ms;' => '"expires" directive invalid value in F:4',
    'expires @24h1m;'
        => '"expires" directive daily time value must be less than 24 hours in F:4',
    'expires OFF;' => '"expires" directive invalid value in F:4',
    'expires Max;' => '"expires" directive invalid value in F:4',
    'expires modified modified;' => '"expires" directive invalid value in F:4',
    'expires 300000000000y;' => '"expires" directive invalid value in F:4',
    'add_header;'
        => 'invalid number of arguments in "add_header" directive in F:4',
    'add_header a;'
        => 'invalid number of arguments in "add_header" directive in F:4',
    'add_header a b c;' => 'invalid parameter "c" in F:4',
    'add_header a b always c;'
        => 'invalid number of arguments in "add_header" directive in F:4',
    'add_header a $nosuch;' => 'unknown "nosuch" variable',
    'add_header a ${b;'
        => 'the closing bracket in "b" variable is missing in F:4',
    'add_header a "$";' => 'invalid variable name in F:4',
    'add_header a b Always;' => 'invalid parameter "Always" in F:4',
    'rewrite ^ /;' => '"rewrite" directive is not allowed here in F:4',
    'if ($uri) { }' => '"if" directive is not allowed here in F:4',
    'set $a b;' => '"set" directive is not allowed here in F:4',
    'return 200;' => '"return" directive is not allowed here in F:4',
    'break;' => '"break" directive is not allowed here in F:4',
    'uninitialized_variable_warn x;'
        => 'invalid value "x" in "uninitialized_variable_warn" directive, it must be "on" or "off" in F:4',
);
my @server = (
    'rewrite;' => 'invalid number of arguments in "rewrite" directive in F:5',
    'rewrite a;'
        => 'invalid number of arguments in "rewrite" directive in F:5',
    'rewrite a b c;' => 'invalid parameter "c" in F:5',
    'rewrite a b last c;'
        => 'invalid number of arguments in "rewrite" directive in F:5',
    'rewrite a b Last;' => 'invalid parameter "Last" in F:5',
    'rewrite a b "";' => 'invalid parameter "" in F:5',
    'rewrite a "";' => 'empty replacement in F:5',
    'rewrite a $schemex;' => 'unknown "schemex" variable',
    'rewrite a $nosuch;' => 'unknown "nosuch" variable',
    'rewrite a b?$nosuch;' => 'unknown "nosuch" variable',
    'rewrite a "b?${uri";'
        => 'the closing bracket in "uri" variable is missing in F:5',
    'rewrite a "${uri?}";'
        => 'the closing bracket in "uri" variable is missing in F:5',
    'rewrite a "b$?";' => 'invalid variable name in F:5',
    'rewrite a b$;' => 'invalid variable name in F:5',
    'rewrite a $0;' => 'unknown "0" variable',
    'rewrite [a b;'
        => 'pcre2_compile() failed: missing terminating ] for character class in "[a" in F:5',
    'rewrite *a b;'
        => 'pcre2_compile() failed: quantifier does not follow a repeatable item in "*a" at "*a" in F:5',
    'rewrite a(?<host>b) $x;' => 'the duplicate "host" variable in F:5',
    'rewrite a(?<x>b)(?<x>c) $x;'
        => 'pcre2_compile() failed: two named subpatterns have the same name (PCRE2_DUPNAMES not set) in "a(?<x>b)(?<x>c)" at "c)" in F:5',
    'rewrite a(?<1x>b) $x;'
        => 'pcre2_compile() failed: subpattern name must start with a non-digit in "a(?<1x>b)" at "1x>b)" in F:5',
    'rewrite a(?<x-y>b) $x;'
        => 'pcre2_compile() failed: syntax error in subpattern name (missing terminator?) in "a(?<x-y>b)" at "-y>b)" in F:5',
    'rewrite "(" b;'
        => 'pcre2_compile() failed: missing closing parenthesis in "(" in F:5',
    'rewrite ")" b;'
        => 'pcre2_compile() failed: unmatched closing parenthesis in ")" at ")" in F:5',
    'rewrite "(?z)" b;'
        => 'pcre2_compile() failed: unrecognized character after (? or (?- in "(?z)" at "z)" in F:5',
    'rewrite "\\p{Foo}" b;'
        => 'pcre2_compile() failed: unknown property after \\P or \\p in "\\p{Foo}" in F:5',
    'rewrite (?<n)a b;'
        => 'pcre2_compile() failed: syntax error in subpattern name (missing terminator?) in "(?<n)a" at ")a" in F:5',
    'rewrite \\ b;'
        => 'invalid number of arguments in "rewrite" directive in F:5',
    'return;' => 'invalid number of arguments in "return" directive in F:5',
    'return 200 a b;'
        => 'invalid number of arguments in "return" directive in F:5',
    'return 1000;' => 'invalid return code "1000" in F:5',
    'return 99999;' => 'invalid return code "99999" in F:5',
    'return -1;' => 'invalid return code "-1" in F:5',
    'return +1;' => 'invalid return code "+1" in F:5',
    'return 1.5;' => 'invalid return code "1.5" in F:5',
    'return 2x;' => 'invalid return code "2x" in F:5',
    'return x;' => 'invalid return code "x" in F:5',
    'return https://a b;' => 'invalid return code "https://a" in F:5',
    'return ${scheme}://x;' => 'invalid return code "${scheme}://x" in F:5',
    'return $uri;' => 'invalid return code "$uri" in F:5',
    'return /x;' => 'invalid return code "/x" in F:5',
    'return "";' => 'invalid return code "" in F:5',
    'return "" "";' => 'invalid return code "" in F:5',
    'return 200 $nosuch;' => 'unknown "nosuch" variable',
    'return 200 "${";' => 'invalid variable name in F:5',
    'return 200 $;' => 'invalid variable name in F:5',
    'return HTTP://x;' => 'invalid return code "HTTP://x" in F:5',
    'return 18446744073709551616;'
        => 'invalid return code "18446744073709551616" in F:5',
    'return 4294967496;' => 'invalid return code "4294967496" in F:5',
    'return " 200";' => 'invalid return code " 200" in F:5',
    'return ftp://x;' => 'invalid return code "ftp://x" in F:5',
    'return http:/x;' => 'invalid return code "http:/x" in F:5',
    'set;' => 'invalid number of arguments in "set" directive in F:5',
    'set $a;' => 'invalid number of arguments in "set" directive in F:5',
    'set $a b c;' => 'invalid number of arguments in "set" directive in F:5',
    'set a b;' => 'invalid variable name "a" in F:5',
    'set $ b;' => 'invalid variable name "$" in F:5',
    'set "" b;' => 'invalid variable name "" in F:5',
    'set $a $b;' => 'unknown "b" variable',
    'set $a ${;' => 'invalid variable name in F:5',
    'set $a "${b";' => 'the closing bracket in "b" variable is missing in F:5',
    'set $a "$";' => 'invalid variable name in F:5',
    'set $uri a;' => 'the duplicate "uri" variable in F:5',
    'set $host a;' => 'the duplicate "host" variable in F:5',
    'set $request_uri a;' => 'the duplicate "request_uri" variable in F:5',
    'set $document_root a;' => 'the duplicate "document_root" variable in F:5',
    'set $request_filename a;'
        => 'the duplicate "request_filename" variable in F:5',
    'set $scheme a;' => 'the duplicate "scheme" variable in F:5',
    'set $is_args a;' => 'the duplicate "is_args" variable in F:5',
    'set $query_string a;' => 'the duplicate "query_string" variable in F:5',
    'set $remote_user a;' => 'the duplicate "remote_user" variable in F:5',
    'set $status a;' => 'the duplicate "status" variable in F:5',
    'set $realpath_root a;' => 'the duplicate "realpath_root" variable in F:5',
    'set $http_host 1;' => 'the duplicate "http_host" variable in F:5',
    'break a;' => 'invalid number of arguments in "break" directive in F:5',
    'if { }' => 'invalid number of arguments in "if" directive in F:5',
    'if $a { }' => 'invalid condition "$a" in F:5',
    'if ($uri) ;' => 'directive "if" has no opening "{" in F:5',
    'if ($uri);' => 'directive "if" has no opening "{" in F:5',
    'if () { }' => 'invalid condition ")" in F:5',
    'if ( ) { }' => 'invalid condition ")" in F:5',
    'if ($uri = ) { }' => 'invalid condition "$uri" in F:5',
    'if ($uri = a b) { }' => 'invalid condition "$uri" in F:5',
    'if ($uri == a) { }' => 'unexpected "==" in condition in F:5',
    'if ($uri ! a) { }' => 'unexpected "!" in condition in F:5',
    'if ($uri ~~ a) { }' => 'unexpected "~~" in condition in F:5',
    'if ($uri ~ ) { }' => 'invalid condition "$uri" in F:5',
    'if ($uri ~ "(") { }'
        => 'pcre2_compile() failed: missing closing parenthesis in "(" in F:5',
    'if ($uri ~ a)) { }'
        => 'pcre2_compile() failed: unmatched closing parenthesis in "a)" at ")" in F:5',
    'if ($uri ~ "a)") { }'
        => 'pcre2_compile() failed: unmatched closing parenthesis in "a)" at ")" in F:5',
    'if ("$uri" ~ a) { }' => 'invalid condition ""$uri"" in F:5',
    'if ("$uri" = a) { }' => 'invalid condition ""$uri"" in F:5',
    'if ($uri=a) { }' => 'unknown "uri=a" variable',
    'if ($uri= a) { }' => 'invalid condition "$uri=" in F:5',
    'if ($uri =a) { }' => 'invalid condition "$uri" in F:5',
    'if ($uri ~a) { }' => 'invalid condition "$uri" in F:5',
    'if ($uri~a) { }' => 'unknown "uri~a" variable',
    'if (!$uri) { }' => 'invalid condition "!$uri" in F:5',
    'if (! $uri) { }' => 'invalid condition "!" in F:5',
    'if (-f) { }' => 'invalid condition "-f" in F:5',
    'if (-f a b) { }' => 'invalid condition "-f" in F:5',
    'if (-g $uri) { }' => 'invalid condition "-g" in F:5',
    'if (!-z $uri) { }' => 'invalid condition "!-z" in F:5',
    'if (! -f $uri) { }' => 'invalid condition "!" in F:5',
    'if (-ff $uri) { }' => 'invalid condition "-ff" in F:5',
    'if (-f $nosuch) { }' => 'unknown "nosuch" variable',
    'if (-f $uri $uri) { }' => 'invalid condition "-f" in F:5',
    'if (a) { }' => 'invalid condition "a" in F:5',
    'if (a = b) { }' => 'invalid condition "a" in F:5',
    'if (a = a) { }' => 'invalid condition "a" in F:5',
    'if ($nosuch) { }' => 'unknown "nosuch" variable',
    'if ($) { }' => 'invalid condition "$" in F:5',
    'if ($ = a) { }' => 'invalid condition "$" in F:5',
    'if ($1) { }' => 'unknown "1" variable',
    'if ($1 = a) { }' => 'unknown "1" variable',
    'if ($1 ~ a) { }' => 'unknown "1" variable',
    'if ($uri $uri) { }' => 'invalid condition "$uri" in F:5',
    'if ($uri && $args) { }' => 'unexpected "&&" in condition in F:5',
    'if ($uri) { proxy_pass http://127.0.0.1:1; }'
        => '"proxy_pass" directive is not allowed here in F:5',
    'if ($uri) { proxy_pass http://127.0.0.1:1/; }'
        => '"proxy_pass" directive is not allowed here in F:5',
    'if ($uri) { proxy_pass http://127.0.0.1:1/$uri; }'
        => '"proxy_pass" directive is not allowed here in F:5',
    'if ($uri ~ a{2}) { }' => 'invalid condition "a" in F:5',
    'if ($uri = $nosuch) { }' => 'unknown "nosuch" variable',
    'if ("") { }' => 'invalid condition """" in F:5',
    'if (($uri)) { }' => 'invalid condition "($uri)" in F:5',
    'if (() { }' => 'invalid condition "(" in F:5',
    'if ("$uri") { }' => 'invalid condition ""$uri"" in F:5',
    'if ("$uri$args" = a) { }' => 'invalid condition ""$uri$args"" in F:5',
    'if ($uri$args = a) { }' => 'unknown "uri$args" variable',
    'if (${uri} = a) { }' => 'unknown "{uri}" variable',
    'if (${uri}) { }' => 'unknown "{uri}" variable',
    'if ($uri-x) { }' => 'unknown "uri-x" variable',
    'if (-) { }' => 'invalid condition "-" in F:5',
    'if (--f x) { }' => 'invalid condition "--f" in F:5',
    'if (!) { }' => 'invalid condition "!" in F:5',
    'if (!- x) { }' => 'invalid condition "!-" in F:5',
    'if (-f= x) { }' => 'invalid condition "-f=" in F:5',
    'if (- x) { }' => 'invalid condition "-" in F:5',
    'expires 1h; expires 1h;' => '"expires" directive is duplicate in F:5',
);

# These are taken without a word.
my @good_http = (
    'map a $x {}',
    'map $uri $x { hostnames; . d; }',
    'map $uri $x { hostnames; .* d; }',
    'map $uri $x { hostnames; "" d; }',
    'map $uri $x { hostnames; a. d; }',
    'map $uri $x { hostnames; .a. d; }',
    'map $uri $x { \\default d; default e; }',
    'map $uri $x { \\hostnames d; hostnames; }',
    'map $uri $x { \\volatile d; volatile; }',
    'map $uri $x { \\include d; }',
    'map $uri $x { hostnames a; }',
    'map $uri $x { ~ a; }',
    'map $uri $x { ~* a; }',
    'map $uri $x { ~(?<y>a) $y; }',
    'map $uri $x { ~a $1; }',
    'map $1 $x { a b; }',
    'map "" $x { }',
    'map $uri $x$y { }',
    'map $uri $args {}',
    'map $uri $arg_x {}',
    'map $uri $http_x {}',
    'map $uri $x {} map $uri $x { }',
    'map $x $y {} map $y $x {}',
    'map $x $x { a b; }',
    'map $uri $1 { }',
    'map $uri $limit_rate {}',
    'map $uri $x { a b; b $x; }',
    'geo $uri $y { }',
    'geo $x { ::/0 a; }',
    'geo $x { ::ffff:1.2.3.4 a; 1.2.3.4 b; }',
    'geo $x { 1.2.3.4 a; delete 1.2.3.4; }',
    'geo $x { proxy 1.2.3.4; }',
    'geo $x { proxy_recursive; proxy_recursive; }',
    'geo $x { ranges; ranges; }',
    'geo $x { proxy 1.1.1.1; ranges; 1.1.1.1-1.1.1.2 a; }',
    'geo $x { proxy_recursive; ranges; }',
    'geo $x { ranges; 1.0.0.0-1.0.0.0 a; }',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.2-1.0.0.5 b; }',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.0-1.0.0.5 b; }',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.5-1.0.0.9 b; }',
    'geo $x { ranges; 1.0.0.0-1.2.0.9 a; 1.0.5.0-1.0.6.9 b; }',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; delete 1.0.0.0-1.0.0.9; }',
    'geo $x { ranges; 1.0.0.0-1.2.0.9 a; delete 1.0.0.0-1.2.0.9; }',
    'geo $x { 1.2.3.4 $y; }',
    'geo $x { 1.2.3.4 a; } geo $x { 1.2.3.4 b; }',
    'geo $args $x { }',
    'geo $x$y { }',
    'split_clients a $x { }',
    'split_clients "" $x { * a; }',
    'split_clients $uri $x { 0.01% a; }',
    'split_clients $uri $x { .5% a; }',
    'split_clients $uri $x { 5.% a; }',
    'split_clients $uri $x { 100% a; }',
    'split_clients $uri $x { 100% a; * b; }',
    'split_clients $uri $x { 50% a; * b; * c; }',
    'split_clients $uri $x { * b; * c; }',
    'split_clients $uri $x { 50% a; 50% b; * c; }',
    'split_clients $uri $x { 10% $y; }',
    'split_clients $uri $x { 10% ""; }',
    'split_clients $uri $x { 00050.5% a; }',
    'split_clients $uri $x { 1.% c; }',
    'expires 1h;',
    'expires modified 1h;',
    'expires @1h;',
    'expires @24h;',
    'expires +1h;',
    'expires -1h;',
    'expires 1h30m;',
    'expires "1h 30m";',
    'expires modified -1h;',
    'expires modified $uri;',
    'expires $uri;',
    'expires 1M;',
    'expires 1y;',
    'expires 1s;',
    'expires 4294967296;',
    'expires @1d;',
    'expires @15h30m10s;',
    'expires 200y;',
    'expires 2147483648;',
    'expires 68y;',
    'add_header a b;',
    'add_header a b always;',
    'add_header "" b;',
    'add_header a "";',
    'add_header $a b;',
    'add_header "a b" c;',
    'add_header a:b c;',
);
my @good_server = (
    'rewrite a b;',
    'rewrite a b last;',
    'rewrite a b break;',
    'rewrite a b redirect;',
    'rewrite a b permanent;',
    'rewrite "" b;',
    'rewrite a ?;',
    'rewrite a ??;',
    'rewrite a ?a=b;',
    'rewrite a b?;',
    'rewrite a b? permanent;',
    'rewrite a http://;',
    'rewrite a http:// last;',
    'rewrite a $scheme;',
    'rewrite a ${scheme}://x;',
    'rewrite a $1;',
    'rewrite a $10;',
    'rewrite a* b;',
    'rewrite "a{2}" b;',
    'rewrite a(b) c;',
    'rewrite a(?<x>b) $x;',
    'rewrite a(?P<x>b) $x;',
    'rewrite a(?\'x\'b) $x;',
    'rewrite a(?<arg_x>b) c;',
    'rewrite a(?<http_x>b) c;',
    'rewrite a(?<args>b) c;',
    'rewrite a(?<limit_rate>b) c;',
    'rewrite a b; rewrite a b;',
    'rewrite (?<x>a)|(?<y>b) $x$y;',
    'return 0;',
    'return 1;',
    'return 99;',
    'return 100;',
    'return 101;',
    'return 199;',
    'return 600;',
    'return 999;',
    'return http://x;',
    'return https://;',
    'return $scheme;',
    'return $scheme://x;',
    'return 200 "";',
    'return 301;',
    'return 301 "";',
    'return 302 /;',
    'return 444;',
    'return 444 x;',
    'return 499;',
    'return 204 x;',
    'return 099;',
    'return 00200;',
    'return "200";',
    'return 200 "$1";',
    'return 200 a; return 200 b;',
    'set $a "";',
    'set $a $a;',
    'set $args a;',
    'set $arg_a b;',
    'set $http_a b;',
    'set $cookie_a b;',
    'set $limit_rate 1;',
    'set $limit_rate x;',
    'set $1 b;',
    'set $1a b;',
    'set ${a} b;',
    'set $a-b c;',
    'set $a$b c;',
    'set $A b;',
    'set $a b; set $a c;',
    'set $sent_http_x a;',
    'set $upstream_http_x a;',
    'set $proxy_host 1;',
    'set $a1_B b;',
    'break;',
    'break; break;',
    'if (  $uri  ) { }',
    'if ($uri ) { }',
    'if ( $uri) { }',
    'if ($uri = a) { }',
    'if ($uri = "a b") { }',
    'if ($uri != a) { }',
    'if ($uri ~ a) { }',
    'if ($uri ~* a) { }',
    'if ($uri !~ a) { }',
    'if ($uri !~* a) { }',
    'if ($uri ~ (a)) { }',
    'if ($uri ~ "a") { }',
    'if (-f $uri) { }',
    'if ( -f $uri ) { }',
    'if (-d $uri) { }',
    'if (-e $uri) { }',
    'if (-x $uri) { }',
    'if (!-f $uri) { }',
    'if (!-d $uri) { }',
    'if (!-e $uri) { }',
    'if (!-x $uri) { }',
    'if (-f "") { }',
    'if ($uri) { return 404; }',
    'if ($uri ~ "a{2}") { }',
    'if ($uri = "") { }',
    'if ($uri ~ $nosuch) { }',
    'if "($uri)" { }',
    'if "($uri" = "a)" { }',
    'if ($uri = (a)) { }',
    'if ($uri = )) { }',
    'if ($uri = ") ") { }',
    'if ($uri ~ \'a\') { }',
    'add_header a b; add_header a b;',
);

my $test = Weir::Test->new;

sub in_http { return "events {}\nhttp {\naccess_log off;\n$_[0]\n}\n" }
sub in_server
{
    return "events {}\nhttp { access_log off;\n"
        . "server { listen 127.0.0.1:%%PORT%%;\n\n$_[0]\n}\n}\n";
}

# said($text): the first line that -t says, or nothing.
sub said {
    my ($text) = @_;
    my $r = conf_test($text, test => $test);
    my ($line) = grep { !/configuration file|makes sense only|test is/ }
        @{ $r->{lines} };

    ($line //= '') =~ s/^nginx: //;
    $line =~ s/^\[\w+\] //;
    return ($line, $r->{code});
}

while (my ($line, $wanted) = splice @http, 0, 2) {
    is +(said(in_http($line)))[0], $wanted, $line;
}
while (my ($line, $wanted) = splice @server, 0, 2) {
    is +(said(in_server($line)))[0], $wanted, $line;
}
for my $line (@good_http) {
    is_deeply [said(in_http($line))], ['', 0], $line;
}
for my $line (@good_server) {
    is_deeply [said(in_server($line))], ['', 0], $line;
}

done_testing;
