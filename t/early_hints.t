# SPDX-License-Identifier: BSD-2-Clause
#
# Interim responses of upstreams, and early_hints.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_version('1.29.0');

my $hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nServer: s\r\n"
    . "Connection: x\r\n\r\n";
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    return $hints . $hints . $ok if $request->uri =~ /two/;
    return "HTTP/1.1 102 Processing\r\n\r\n$ok" if $request->uri =~ /102/;
    return $hints . $ok;
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /on { proxy_pass http://127.0.0.1:$up; early_hints 1; }
        location /if { proxy_pass http://127.0.0.1:$up;
                       early_hints \$arg_a \$arg_b; }
    }
}
EOC

my $r = $t->get('/');
is $r->body, 'ok', 'the response';
is scalar($r->interim), 0, 'no hints';
$r = $t->get('/on');
is $r->body, 'ok', 'the response behind the hints';
my ($first) = $r->interim;
is $first->status, 103, 'hints';
is $first->header('Link'), '</a.css>', 'with their fields';
is $first->header('Connection'), undef, 'but those of the connection';
is $r->header('Link'), undef, 'which are not in the response';
is scalar($t->get('/on/two')->interim), 2, 'twice';
is scalar($t->get('/if?a=0')->interim), 0, 'a condition fails';
is scalar($t->get('/if?a=0&b=1')->interim), 1, 'another holds';
$r = $t->get('/on/102');
is $r->body, 'ok', 'other interim responses';
is scalar($r->interim), 0, 'are dropped';
is $t->raw("GET /on HTTP/1.0\r\n\r\n")->status, 200, 'not for HTTP/1.0';

done_testing;
