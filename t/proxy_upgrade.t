# SPDX-License-Identifier: BSD-2-Clause
#
# Upgraded connections: bytes pass both ways, whatever they are, until one
# side ends or is silent for too long.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

my $big = join '', map { pack 'N', $_ } 1 .. 200_000;

# Echoes lines in capitals once it has agreed.
my $backend = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my $request = Weir::Backend::read_request($c) or return;

    if ($request->uri =~ /refuse/) {
        $c->send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
        return;
    }
    $c->send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n"
             . "Upgrade: test\r\nX-Got: "
             . join('|', map { $request->header($_) // '' }
                    'Upgrade', 'Connection') . "\r\n\r\nhello\n");
    while (defined(my $line = $c->read_until(qr/\n/))) {
        last if $line !~ /\n/;
        return if $line eq "bye\n";
        if ($line eq "big\n") {
            $c->send($big . "\n");
            next;
        }
        $c->send(uc $line);
    }
});
# Switches at once, whatever is still to come.
my $rash = Weir::Backend->tcp(sub {
    my ($c) = @_;

    $c->read_until(qr/\r\n\r\n/);
    $c->send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n"
             . "Upgrade: test\r\n\r\n");
    sleep 1;
});
my ($up, $early) = map { $_->port } $backend, $rash;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    log_format up "\$status \$upstream_status \$upstream_addr";
    server {
        listen 127.0.0.1:%%PORT%%;
        access_log %%TESTDIR%%/up.log up;
        location / { proxy_pass http://127.0.0.1:$up;
                     proxy_http_version 1.1;
                     proxy_set_header Upgrade \$http_upgrade;
                     proxy_set_header Connection upgrade; }
        location /brief { proxy_pass http://127.0.0.1:$up;
                          proxy_http_version 1.1;
                          proxy_set_header Upgrade \$http_upgrade;
                          proxy_set_header Connection upgrade;
                          proxy_read_timeout 1s; }
        location /rash { proxy_pass http://127.0.0.1:$early;
                         proxy_http_version 1.1;
                         proxy_request_buffering off;
                         proxy_set_header Upgrade \$http_upgrade;
                         proxy_set_header Connection upgrade; }
        location /mirrored { mirror /copy; error_page 404 = \@answer; }
        location /asks { auth_request /copy; }
        location \@answer { return 200 answer; }
        location = /copy { internal; proxy_pass http://127.0.0.1:$early;
                         proxy_http_version 1.1;
                         proxy_set_header Upgrade \$http_upgrade;
                         proxy_set_header Connection upgrade; }
    }
}
EOC

sub open_tunnel {
    my ($uri, $extra) = @_;
    my $c = $t->connect;

    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
             . "Upgrade: test\r\n\r\n" . ($extra // ''));
    my $r = $c->read_response;
    return ($c, $r);
}

my ($c, $r) = open_tunnel('/');
is $r->status, 101, 'switched';
is $r->header('Upgrade'), 'test', 'to what';
like $r->header('Connection'), qr/upgrade/i, 'Connection: upgrade';
is $r->header('X-Got'), 'test|upgrade', 'what the backend was told';
is $c->read_until(qr/\n/), "hello\n", 'bytes behind the head';
for my $word ('one', 'two', 'x' x 10_000) {
    $c->send("$word\n");
    is $c->read_until(qr/\n/), uc("$word\n"), 'there and back';
}
$c->send("big\n");
my $got = '';
while (length $got < length $big) {
    my $more = $c->read_until(qr/.{1,60000}/s);
    last if !length $more;
    $got .= $more;
}
ok $got =~ /\A\Q$big\E/, 'many bytes';
$c->send("bye\n");
ok $c->closed, 'the upstream ends';

($c, $r) = open_tunnel('/', "early\n");
is $c->read_until(qr/EARLY\n/), "hello\nEARLY\n", 'bytes sent before the answer';
$c->close;

($c, $r) = open_tunnel('/refuse');
is $r->status, 403, 'refused';
is $r->body, 'no', 'as any response';
$c->close;

# ---- where there is no connection to be had ----

($c, $r) = open_tunnel('/mirrored');
is $r->body, 'answer', 'a subrequest is not switched';
ok $t->wait_log(qr/\[error\] .* connection upgrade in subrequest while reading response header from upstream, client: 127.0.0.1, server: , request: "GET \/mirrored HTTP\/1.1", subrequest: "\/copy"/),
    'the log';
if (!is_oracle()) { # which closes the connection
    ($c, $r) = open_tunnel('/asks');
    is $r->status, 500, 'nor is one that is waited for';
    for my $half ("Content-Length: 9\r\n\r\nGET ",
                  "Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n") {
        $c = $t->connect;
        $c->send("POST /rash HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                 . "Upgrade: test\r\n$half");
        is $c->read_response->status, 502, 'nor one with half a body';
    }
    ok $t->wait_log(qr/connection upgrade before the end of the request body/),
        'the log';
}

# ---- time ----

($c, $r) = open_tunnel('/brief');
$c->read_until(qr/\n/);
for (1 .. 3) {
    sleep 0.5;
    $c->send("still\n");
    is $c->read_until(qr/\n/), "STILL\n", 'alive';
}
my $start = time;
ok $c->closed, 'silence ends it';
cmp_ok time - $start, '<', Weir::Test::slow(3), 'after the timeout';

# ---- many at once ----

my @all = map { [open_tunnel('/')] } 1 .. 20;
for my $i (0 .. $#all) {
    $all[$i][0]->read_until(qr/\n/);
    $all[$i][0]->send("number $i\n");
}
my @answers = map { $all[$_][0]->read_until(qr/\n/) } 0 .. $#all;
is "@answers", join(' ', map { "NUMBER $_\n" } 0 .. $#all), 'each its own';
$_->[0]->close for @all;

# ---- reloads ----

($c, $r) = open_tunnel('/');
$c->read_until(qr/\n/);
ok $t->reload, 'reload';
sleep 0.3;
$c->send("after\n");
is $c->read_until(qr/\n/), "AFTER\n", 'the old tunnel is open';
$c->close;

ok $t->wait_log(qr/^101 101 127\.0\.0\.1:$up/, 'up.log'), 'logged at the end';

done_testing;
