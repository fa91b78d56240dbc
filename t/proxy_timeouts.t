# SPDX-License-Identifier: BSD-2-Clause
#
# Upstreams that are silent and clients that go away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $ok = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
    my ($kind) = $request->uri =~ m{(\w+)$};

    if ($kind eq 'silent') {
        sleep 2;
    } elsif ($kind eq 'half') {
        $c->send("HTTP/1.1 200");
        sleep 2;
    } elsif ($kind eq 'body') {
        $c->send("${ok}abc");
        sleep 2;
    } elsif ($kind eq 'headonly') {
        $c->send($ok);
        sleep 0.7;
        $c->send('abc');
        sleep 1;
    } elsif ($kind eq 'busy') {
        $c->send("${ok}abc");
        sleep 0.5;
        $c->send('def');
        sleep 5;
    } elsif ($kind eq 'page') {
        return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    } elsif ($kind eq 'steady') {
        $c->send($ok);
        for my $byte (split //, 'abcdef') {
            sleep 0.35;
            $c->send($byte);
        }
        return undef;
    } elsif ($kind eq 'slow') {
        sleep 0.6;
    }
    return "${ok}abcdef";
});
my $up = $backend->port;
# Takes connections and reads nothing.
my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5,
                                 Proto => 'tcp', ReuseAddr => 1);
my $deaf_port = $deaf->sockport;

# A second's work or two
my $hard = is_oracle() || !has_module('brotli') ? ''
    : 'brotli on; brotli_types *; brotli_comp_level 11;';
my $x = 1;
my $text = join ' ', map { $x = ($x * 1103515245 + 12345) & 0x7fffffff;
                           $x >> 12 } 1 .. 70_000;

my $t = Weir::Test->new;
$t->write('html/hard.txt', $text);
$t->run(<<"EOC");
%%HTTP%%
    log_format up "\$request_uri \$status \$upstream_status \$body_bytes_sent";
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 0;
        access_log %%TESTDIR%%/up.log up;
        location / { proxy_pass http://127.0.0.1:$up;
                     proxy_read_timeout 300ms; }
        location /off { proxy_pass http://127.0.0.1:$up;
                        proxy_read_timeout 300ms; proxy_buffering off; }
        location /paced { proxy_pass http://127.0.0.1:$up;
                          proxy_read_timeout 700ms; }
        location /pacedoff { proxy_pass http://127.0.0.1:$up;
                             proxy_read_timeout 700ms; proxy_buffering off; }
        location /patient { proxy_pass http://127.0.0.1:$up; }
        location /page { proxy_pass http://127.0.0.1:$up;
                         proxy_intercept_errors on;
                         error_page 404 /patient/slow; }
        location /stay { proxy_pass http://127.0.0.1:$up;
                         proxy_ignore_client_abort on; }
        location /hard.txt { root %%TESTDIR%%/html; $hard }
        location /deaf { proxy_pass http://127.0.0.1:$deaf_port;
                         proxy_send_timeout 300ms;
                         proxy_read_timeout 400ms; }
    }
}
EOC

# ---- upstreams ----

my $start = time;
my $r = $t->get('/silent');
is $r->status, 504, 'silent: 504';
cmp_ok time - $start, '<', 1.5, 'after the timeout';
like join('', $t->log),
    qr/upstream timed out \(110: Connection timed out\) while reading response header from upstream, client: .* upstream: "/,
    'and told';
is $t->get('/half')->status, 504, 'half a head: 504';
is $t->get('/paced/steady')->body, 'abcdef', 'slow but steady';
is $t->get('/pacedoff/steady')->body, 'abcdef', 'the same unbuffered';
# What came while the worker was busy counts, whatever the time is then.
SKIP: {
    skip 'nothing keeps it busy', 4 if is_oracle() || !has_module('brotli');
    for my $uri ('/paced/busy', '/pacedoff/busy') {
        my ($c, $other) = ($t->connect, $t->connect);
        $c->send("GET $uri HTTP/1.1\r\nHost: a\r\n\r\n");
        sleep 0.25;
        $other->send("GET /hard.txt HTTP/1.1\r\nHost: a\r\n"
                     . "Accept-Encoding: br\r\n\r\n");
        is $c->read_response->body, 'abcdef', "$uri: a busy worker";
        ok $other->read_response->complete, '... which was so with this';
    }
}
for my $uri ('/body', '/off/body') {
    $r = $t->get($uri);
    is $r->status, 200, "$uri: the head was out";
    ok !$r->complete, "$uri: but not the body";
}
like join('', $t->log), qr/upstream timed out .* while reading upstream/,
    'told as well';
$r = $t->post('/deaf', 'x' x 8_000_000);
is $r->status, 504, 'takes no request: 504';
like join('', $t->log),
    qr/upstream timed out .* while sending request to upstream/, 'told';
is $t->get('/deaf')->status, 504, 'takes it, but does not answer';

# ---- clients ----

my $c = $t->connect;
$c->send("GET /patient/slow HTTP/1.1\r\nHost: a\r\n\r\n");
sleep 0.1;
$c->close;
ok $t->wait_log(qr{^/patient/slow 499 - 0$}m, 'up.log'), 'gone: 499';
like join('', $t->log), qr/client prematurely closed connection/, 'told';
$c = $t->connect;
$c->send("GET /stay/slow HTTP/1.1\r\nHost: a\r\n\r\n");
sleep 0.1;
$c->close;
ok $t->wait_log(qr{^/stay/slow (200|499) 200 }, 'up.log'),
    'proxy_ignore_client_abort: the upstream is heard out';

$c = $t->connect;
$c->send("POST /patient/length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
sleep 0.1;
$c->close;
ok $t->wait_log(qr{^/patient/length 400 }, 'up.log'), 'half a request: 400';
# Of a response whose head has come, but of which nothing went out, 499 is
# said, too; an error page's status stays.
my %abandoned = ('/patient/headonly' => '499 200', '/page' => '404 404 : -',
                 '/off/headonly' => '200 200');
for my $uri (sort keys %abandoned) {
    $c = $t->connect;
    $c->send("GET /patient/length HTTP/1.1\r\nHost: a\r\n\r\n");
    is $c->read_response->body, 'abcdef', "$uri: a request before it";
    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\n\r\n");
    sleep 0.2;
    $c->close;
    ok $t->wait_log(qr{^$uri $abandoned{$uri} 0$}m, 'up.log'),
        "$uri: $abandoned{$uri}";
}
is $t->get('/patient/length')->body, 'abcdef', 'still there';

done_testing;
