# SPDX-License-Identifier: BSD-2-Clause
#
# limit_req_headers: what is left of limits, in RateLimit, RateLimit-Policy and
# Retry-After.  A rate of 1r/m lets nothing more through while this test runs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'an nginx has none' if is_oracle();
need_module('http_limit_req', 'http_proxy');

my $t = Weir::Test->new;
$t->write('html/plain.txt', "plain\n");
$t->run(<<'EOC');
%%HTTP%%
    limit_req_zone $arg_k zone=one:1m rate=1r/m;
    limit_req_zone $arg_k zone=two:1m rate=30r/m;
    limit_req_zone $arg_j zone=other:1m rate=1r/m;
    limit_req_zone $arg_k "zone=odd\"\\:1m" rate=1r/m;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        limit_req_headers on;
        limit_req_status 429;
        location / { limit_req zone=one burst=2 nodelay; try_files /plain.txt =404; }
        location /off { limit_req_headers off; limit_req zone=one; try_files /plain.txt =404; }
        location /none { try_files /plain.txt =404; }
        location /both { limit_req zone=two burst=9 nodelay; limit_req zone=other; try_files /plain.txt =404; }
        location /dry { limit_req zone=one; limit_req_dry_run on; try_files /plain.txt =404; }
        location /page { limit_req zone=one; error_page 429 /none; try_files /plain.txt =404; }
        location /fine { limit_req zone=one; error_page 429 =200 /none; try_files /plain.txt =404; }
        location /denied { limit_req zone=one; deny all; }
        location /odd { limit_req "zone=odd\"\\"; try_files /plain.txt =404; }
        location /own { limit_req zone=one; add_header Retry-After 5 always; try_files /plain.txt =404; }
        location /proxy { limit_req zone=one; proxy_pass http://127.0.0.1:%%PORT_b%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_b%%;
        location / { add_header RateLimit '"own";r=7'; add_header RateLimit-Policy '"own";q=9'; return 200 x; }
    }
}
EOC

# Status, and the three headers; seconds that depend on the clock are "S".
sub told {
    my $r = $t->get($_[0]);
    my @said = map { my $h = $_; join ' + ', map { s/;t=(?:5\d|60)\b/;t=S/gr } $r->headers($h) }
        qw(RateLimit-Policy RateLimit Retry-After);
    $said[2] =~ s/^(?:5\d|60)$/S/;
    return join ' | ', $r->status, @said;
}

is told('/?k=a'), '200 | "one";q=3;w=180 | "one";r=2;t=S | ', 'the first';
like told('/?k=a'), qr/^200 \| "one";q=3;w=180 \| "one";r=1;t=1[012]\d \| $/, 'the second';
is told('/?k=a'), '200 | "one";q=3;w=180 | "one";r=0;t=S | ', 'the last';
is told('/?k=a'), '429 | "one";q=3;w=180 | "one";r=0;t=S | S', 'one too many';
is told('/'), '200 |  |  | ', 'what is not limited';
is told('/none?k=a'), '200 |  |  | ', '... nowhere';
is told('/off?k=b'), '200 |  |  | ', 'off';
is told('/off?k=b'), '429 |  |  | ', '... says nothing';

is told('/both?k=c&j=c'), '200 | "two";q=10;w=20, "other";q=1;w=60 | "two";r=9;t=2, "other";r=0;t=S | ',
    'two zones';
is told('/both?k=c&j=c'), '429 | "other";q=1;w=60 | "other";r=0;t=S | S',
    'the one that refuses';
like told('/both?k=c'), qr/^200 \| "two";q=10;w=20 \| "two";r=[89];t=[234] \| $/,
    'the one that counts';

is told('/dry?k=d'), '200 |  |  | ', 'a dry run';
is told('/dry?k=d'), '200 |  |  | ', '... promises nothing';
is told('/page?k=e'), '200 | "one";q=1;w=60 | "one";r=0;t=S | ', 'a page';
is told('/page?k=e'), '429 | "one";q=1;w=60 | "one";r=0;t=S | S', '... of errors';
is told('/fine?k=e'), '200 | "one";q=1;w=60 | "one";r=0;t=S | ',
    'no Retry-After with 200';
is told('/denied?k=f'), '403 | "one";q=1;w=60 | "one";r=0;t=S | ',
    'refused by others';
is told('/odd?k=g'), '200 | "odd\"\\\\";q=1;w=60 | "odd\"\\\\";r=0;t=S | ',
    'a name with quotes';
told('/own?k=h');
is told('/own?k=h'), '429 | "one";q=1;w=60 | "one";r=0;t=S | 5',
    'Retry-After of the configuration';
is told('/proxy?k=i'), '200 | "own";q=9 + "one";q=1;w=60 | "own";r=7 + "one";r=0;t=S | ',
    'lists of an upstream go on';
is conf_test('events {} http { limit_req_headers maybe; }')->{first},
    'invalid value "maybe" in "limit_req_headers" directive, it must be "on" or "off" in F:1',
    'on or off';

done_testing;
