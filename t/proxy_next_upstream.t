# SPDX-License-Identifier: BSD-2-Clause
#
# When another peer is tried: proxy_next_upstream and its limits, and what the
# variables and the log tell of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

# Answers as the path says; each backend signs.
sub backend {
    my ($name) = @_;

    return Weir::Backend->http(sub {
        my ($request, $c) = @_;
        my ($what) = $request->uri =~ m{/(\w+)$};

        if ($what eq 'close') {
            $c->close;
            return undef;
        }
        if ($what eq 'hang') {
            sleep 3;
            return undef;
        }
        return "nonsense\0\r\n\r\n" if $what eq 'junk';
        return "HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n" if $what eq 'bad';
        my $status = $what =~ /^(\d+)$/ ? $1 : 200;
        my $text = "$name " . $request->method . ' ' . $request->body;
        return "HTTP/1.1 $status X\r\nContent-Length: " . length($text)
            . "\r\n\r\n$text";
    });
}

my $fine = Weir::Backend->http(sub {
    my ($request) = @_;
    my $text = 'fine ' . $request->method . ' ' . $request->body;

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text";
});
my $first = backend('first');
my ($f, $g) = ($first->port, $fine->port);

my $t = Weir::Test->new;
my $dead = $t->port('dead');
$t->run(<<"EOC");
%%HTTP%%
    upstream two { server 127.0.0.1:$f max_fails=0;
                   server 127.0.0.1:$g backup; }
    upstream dead { server 127.0.0.1:$dead max_fails=0;
                    server 127.0.0.1:$g backup; }
    upstream alldead { server 127.0.0.1:$dead max_fails=0;
                       server 127.0.0.1:$dead max_fails=0; }
    upstream once { server 127.0.0.1:$dead fail_timeout=60;
                    server 127.0.0.1:$dead fail_timeout=60; }
    add_header X-Status "\$upstream_status" always;
    proxy_read_timeout 400ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /default { proxy_pass http://two; }
        location /off { proxy_pass http://two; proxy_next_upstream off; }
        location /all { proxy_pass http://two;
            proxy_next_upstream error timeout invalid_header http_500
                http_502 http_503 http_504 http_403 http_404 http_429; }
        location /any { proxy_pass http://two;
            proxy_next_upstream error http_500 non_idempotent; }
        location /tries { proxy_pass http://two;
            proxy_next_upstream http_500; proxy_next_upstream_tries 1; }
        location /time { proxy_pass http://two;
            proxy_next_upstream timeout;
            proxy_next_upstream_timeout 100ms; }
        location /stream { proxy_pass http://two; proxy_next_upstream http_500;
            proxy_request_buffering off; proxy_http_version 1.1; }
        location /dead { proxy_pass http://dead; }
        location /alldead { proxy_pass http://alldead; }
        location /once { proxy_pass http://once; }
        location /page { proxy_pass http://alldead; error_page 502 = \@fine; }
        location \@fine { proxy_pass http://127.0.0.1:$g; }
    }
}
EOC

sub statuses {
    my ($r) = @_;

    return $r->header('X-Status');
}

# ---- errors ----

my $r = $t->get('/dead');
is $r->body, 'fine GET ', 'refused: the next one answers';
is statuses($r), '502, 200', 'both are told of';
is $t->post('/dead', 'text')->body, 'fine POST text',
    'also with a body: nothing was sent';
is $t->get('/default/close')->body, 'fine GET ', 'closed: the next one';
$r = $t->post('/default/close', 'text');
is $r->status, 502, 'closed after POST: no other';
is statuses($r), '502', 'one try';
is $t->get('/off/close')->status, 502, 'off: no other';
$r = $t->get('/default/hang');
is $r->body, 'fine GET ', 'silent: the next one';
is statuses($r), '504, 200', 'after a timeout';
is $t->get('/time/hang')->status, 504, 'but not when the time is over';
is $t->get('/default/bad')->status, 502, 'a bad head: no other';
is $t->get('/all/bad')->body, 'fine GET ', 'unless told so';

$r = $t->get('/alldead');
is $r->status, 502, 'none left';
is statuses($r), '502, 502', 'all were tried';
is statuses($t->get('/once')), '502, 502', 'and are out of the running';
is statuses($t->get('/once')), '502', 'so that nobody is asked';
like join('', $t->log), qr/no live upstreams while connecting to upstream/,
    'which is told';
$r = $t->get('/page');
is $r->body, 'fine GET ', 'a page from another gateway';
is statuses($r), '502, 502 : 200', 'and how it came to that';

# ---- statuses ----

for my $status (500, 502, 503, 504, 403, 404, 429) {
    is $t->get("/all/$status")->body, 'fine GET ', "$status: the next one";
    is $t->get("/default/$status")->status, $status, "$status: passed on";
}
is $t->get('/all/501')->status, 501, 'no word for 501';
is $t->post('/all/500', 'x')->status, 500, 'POST is not repeated';
is $t->post('/any/500', 'x')->body, 'fine POST x', 'unless told so';
is $t->post('/any/close', 'y' x 100_000)->body, 'fine POST ' . 'y' x 100_000,
    'with all of a large body';
is $t->request('PUT', '/all/500', body => 'x')->body, 'fine PUT x',
    'PUT is idempotent';
is $t->get('/tries/500')->status, 500, 'tries are limited';

my $c = $t->connect;
$c->send("PUT /stream/500 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
         . "Connection: close\r\n\r\nte");
sleep 0.2;
$c->send('xt');
is $c->read_response->status, 500, 'what was passed on is gone';

# ---- words ----

for my $prefix (qw(proxy fastcgi scgi uwsgi)) {
    my @words = (qw(error timeout invalid_header non_idempotent updating off),
                 map { "http_$_" } 500, 503, 403, 404, 429);
    my $first = sub {
        my $conf = conf_test("%%HTTP%%\n${prefix}_next_upstream @_;\n}\n");
        return $conf->{code} ? $conf->{first} =~ s/ in F:\d+//r : 'ok';
    };

    is $first->(@words), 'ok', "$prefix: its words";
    is $first->($_), $prefix eq 'proxy' ? 'ok' : qq(invalid value "$_"),
        "$prefix: $_" for qw(http_502 http_504);
    is $first->('http_501'), 'invalid value "http_501"', "$prefix: http_501";
}

# Debian's 1.22.1 loses a socket there.
$t->expect_log(qr/open socket #\d+ left|aborting/) if is_oracle;
done_testing;
