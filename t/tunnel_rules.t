# SPDX-License-Identifier: BSD-2-Clause
#
# Who may have a tunnel, where it leads, and how it ends: access rules, groups
# and their retries, own addresses, timeouts, reloads.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
use Weir::Test;

need_module('http_tunnel');

my $t = Weir::Test->new;
my $dir = $t->dir;
# What changes bodies leaves tunnels alone.
my $addition = has_module('http_addition')
    ? 'add_before_body /file; add_after_body /file; addition_types *;' : '';
my $heard = $t->write('heard', '');
# Says who comes, and then answers lines; "deaf" is the last one that it reads.
my $peer = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my $all = '';

    while (defined(my $line = $c->read_until(qr/\n/))) {
        $all .= $line;
        last if $line !~ /\n/ || $line eq "bye\n";
        sleep 8 if $line eq "deaf\n";
        $c->send($line eq "who\n" ? $c->socket->peerhost . "\n" : uc $line);
    }
    open my $out, '>>', $heard;
    syswrite $out, $all . $c->{in};
});
my $to = '127.0.0.1:' . $peer->port;

# Closed again, so that nobody listens there; and one that takes no connection.
my ($dead, $full) = map {
    IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                          Proto => 'tcp') // die "listen: $!\n";
} 1 .. 2;
my $nobody = '127.0.0.1:' . $dead->sockport;
$dead->close;
my $stuck = '127.0.0.1:' . $full->sockport;
my @waiting = map {
    IO::Socket::INET->new(PeerAddr => $stuck, Blocking => 0, Proto => 'tcp');
} 1 .. 8;

$t->write('htpasswd', "plain:{PLAIN}secret\n");
$t->write('www/file', 'a file');
$t->run(<<"EOC");
%%HTTP%%
    log_format l '\$request_method \$host:\$request_port \$status \$upstream_addr \$upstream_status \$upstream_bytes_sent/\$upstream_bytes_received \$body_bytes_sent \$remote_user';
    access_log $dir/t.log l;
    upstream two { server $nobody max_fails=0; server $to backup; }

    server { # open, as far as the port goes
        listen 127.0.0.1:%%PORT%%;
        gzip on; gzip_types *; gzip_min_length 0;
        add_header X-To \$request_port; add_trailer X-End 1;
        tunnel_pass;
        location = / { $addition tunnel_pass; }
        location /file { root $dir/www; }
        location /post { post_action /after; return 200 posted; }
        location /after { tunnel_pass $to; }
    }
    server {
        listen 127.0.0.1:%%PORT_auth%%;
        auth_basic proxy; auth_basic_user_file $dir/htpasswd;
        location / {
            tunnel_pass $to;
            error_page 407 = \@who;
            error_page 418 = \@who;
        }
        location \@who { add_header X-Page who; return 407 "who are you"; }
    }
    server {
        listen 127.0.0.1:%%PORT_late%%;
        auth_basic proxy; auth_basic_user_file $dir/htpasswd;
        auth_delay 300ms;
        tunnel_pass $to;
    }
    server {
        listen 127.0.0.1:%%PORT_any%%;
        satisfy any; deny all;
        auth_basic proxy; auth_basic_user_file $dir/htpasswd;
        tunnel_pass $to;
    }
    server {
        listen 127.0.0.1:%%PORT_if%%;
        if (\$request_method = CONNECT) { set \$is_tunnel 1; }
        location / {
            if (\$request_port = 443) { tunnel_pass $to; }
            if (\$request_port != 443) { return 403; }
        }
    }
    server {
        listen 127.0.0.1:%%PORT_except%%;
        location / {
            limit_except GET { deny 127.0.0.2; }
            tunnel_pass $to;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_set%%;
        if (\$request_method = CONNECT) { set \$a \$request_port; }
        if (\$a = 1) { set \$target two; }
        if (\$a = 2) { set \$target 127.0.0.1; }
        if (\$a = 3) { set \$target $nobody; }
        if (\$a = 4) { set \$target unix:$dir/none; }
        tunnel_pass \$target;
    }
    server {
        listen 127.0.0.1:%%PORT_next%%;
        tunnel_next_upstream off;
        tunnel_pass two;
    }
    server {
        listen 127.0.0.1:%%PORT_tries%%;
        tunnel_next_upstream_tries 1;
        tunnel_pass two;
    }
    server {
        listen 127.0.0.1:%%PORT_bind%%;
        tunnel_bind 127.0.0.3; tunnel_buffer_size 1k;
        tunnel_socket_keepalive on;
        tunnel_socket_rcvbuf 16k; tunnel_socket_sndbuf 16k;
        tunnel_pass $to;
    }
    geo \$upstream_last_addr \$is_allowed {
        volatile; default 1; 127.0.0.0/8 0; ::1 0; 127.0.0.1 1;
    }
    server {
        listen 127.0.0.1:%%PORT_inside%%;
        tunnel_allow_upstream \$is_allowed;
        tunnel_pass;
    }
    server {
        listen 127.0.0.1:%%PORT_time%%;
        tunnel_connect_timeout 300ms; tunnel_next_upstream off;
        tunnel_read_timeout 700ms;
        tunnel_pass;
    }
    server {
        listen 127.0.0.1:%%PORT_send%%;
        tunnel_send_timeout 300ms; tunnel_socket_sndbuf 8k;
        tunnel_pass $to;
    }
}
EOC

# ask($port, $authority, $fields, $early): the connection
sub ask {
    my ($port, $authority, $fields, $early) = @_;
    my $c = $t->connect(port => $port);

    $c->send("CONNECT $authority HTTP/1.1\r\nHost: a\r\n" . ($fields // '')
             . "\r\n" . ($early // ''));
    return $c;
}

# The same, and the head of the answer.
sub open_tunnel {
    my $c = ask(@_);

    return ($c, $c->read_response(head => 1));
}

# The status and whether the server closes afterwards.
sub refused {
    my (@args) = @_;
    my ($c) = ask(@args);

    return join ' ', $c->read_response->status, $c->closed ? 'closed' : 'open';
}

sub speaks {
    my ($c, $word) = @_;

    $c->send("$word\n");
    return $c->read_until(qr/\n/) eq uc "$word\n";
}

$t->expect_log(qr{connect\(\) to unix:$dir/none failed});

# ---- a tunnel ----

my ($c, $r) = open_tunnel(undef, $to, "Accept-Encoding: gzip\r\n");
is $r->status, 200, 'connected';
is_deeply [map { scalar $r->header($_) } qw(Content-Length Transfer-Encoding
                                     Content-Encoding Connection)],
    [undef, undef, undef, 'close'], 'the head of bytes';
is $r->header('X-To'), $peer->port, 'add_header';
ok speaks($c, 'one'), 'there and back';
$c->send("bye\n");
ok $c->closed, 'the peer ends it';
my $sent = length "one\nbye\n";
ok $t->wait_log(qr{^CONNECT 127.0.0.1:${\ $peer->port} 200 $to - $sent/4 4 -$}m,
                't.log'), 'logged';

# What a client says last comes through, though it closes at once.
($c) = open_tunnel(undef, $to);
$c->send("last words");
$c->socket->shutdown(1);
ok $c->closed, 'the client ends it';
ok $t->wait_log(qr/last words\z/, 'heard'), 'with all that it said';

my @all = map { [open_tunnel(undef, $to)] } 1 .. 20;
$all[$_][0]->send("number $_\n") for 0 .. $#all;
is join(' ', map { $all[$_][0]->read_until(qr/\n/) } 0 .. $#all),
    join(' ', map { "NUMBER $_\n" } 0 .. $#all), 'each its own';
$_->[0]->close for @all;

# Through itself: a request in a tunnel.
($c, $r) = open_tunnel(undef, '127.0.0.1:' . $t->port);
$c->send("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
is $c->read_response->body, 'a file', 'a request in a tunnel';
($c) = open_tunnel(undef, '127.0.0.1:' . $t->port);
$c->send("CONNECT $to HTTP/1.1\r\nHost: a\r\n\r\n");
is $c->read_response(head => 1)->status, 200, 'a tunnel in a tunnel';
ok speaks($c, 'deep'), 'there and back';
$c->close;
is $t->get('/post')->body, 'posted', 'no tunnel for a post_action';

# ---- what is no tunnel ----

is $t->get('/')->status, 405, 'other methods';
is $t->get('/file')->body, 'a file', 'another location';
is refused(undef, $to, "Content-Length: 1\r\n", 'x'), '400 closed', 'a body';
like join('', $t->log), qr/\[info\] .* client sent CONNECT request with body/,
    'told';
is refused(undef, $to, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    '400 closed', 'a body in chunks';

# Bytes behind a CONNECT that is refused are no request.
for my $authority ($nobody, '127.0.0.1') {
    $c = $t->connect;
    $c->send("CONNECT $authority HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
             . "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    $r = $c->read_response;
    like $r->status, qr/^(400|502)$/, "$authority: refused";
    ok $c->closed, "$authority: and nothing else";
}

# ---- who may ----

my $right = "Proxy-Authorization: Basic cGxhaW46c2VjcmV0\r\n";
my $wrong = "Proxy-Authorization: Basic cGxhaW46eHh4\r\n";
($c, $r) = open_tunnel('auth', 'a:1');
is $r->status, 407, 'auth_basic';
is $r->header('Proxy-Authenticate'), 'Basic realm="proxy"', 'asks';
is $r->header('WWW-Authenticate'), undef, 'as a proxy does';
is $r->header('X-Page'), undef, 'add_header is not for 407';
is $c->read_until(qr/you/), 'who are you', 'error_page 407';
is refused('auth', 'a:1', $wrong), '407 closed', 'a wrong password';
is refused('auth', 'a:1', "Authorization: Basic cGxhaW46c2VjcmV0\r\n"),
    '407 closed', 'Authorization is for others';
($c, $r) = open_tunnel('auth', 'a:1', $right);
ok speaks($c, 'in'), 'the right one';
$c->close;
ok $t->wait_log(qr/^CONNECT a:1 200 .* plain$/m, 't.log'), '$remote_user';

my $start = time;
is refused('late', 'a:1', $wrong), '407 closed', 'auth_delay';
cmp_ok time - $start, '>=', 0.29, 'delays it';
is refused('any', 'a:1'), '407 closed', 'satisfy any: nobody';
($c, $r) = open_tunnel('any', 'a:1', $right);
is $r->status, 200, 'satisfy any: a password';
is $r->header('Proxy-Authenticate'), undef, 'and nothing is asked';
$c->close;

($c) = open_tunnel('if', 'a:443');
ok speaks($c, 'if'), 'in an if';
$c->close;
is refused('if', 'a:80'), '403 closed', 'and not out of it';
($c) = open_tunnel('except', 'a:1');
ok speaks($c, 'except'), 'in limit_except';
$c->close;
$c = $t->connect(port => 'except', local => '127.0.0.2');
$c->send("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
is $c->read_response->status, 403, 'whose rules count';

# ---- where to ----

($c) = open_tunnel('set', 'a:1');
ok speaks($c, 'group'), 'a group: the second server';
$c->close;
ok $t->wait_log(qr{^CONNECT a:1 200 $nobody, $to 502, - }m, 't.log'), 'logged';
is refused('set', 'a:2'), '500 closed', 'an address without port';
like join('', $t->log), qr/no port in upstream "127.0.0.1"/, 'told';
is refused('set', 'a:3'), '502 closed', 'an address: nobody';
is refused('set', 'a:4'), '502 closed', 'a socket in a folder';
is refused('set', 'a:5'), '500 closed', 'nothing';
is refused('next', 'a:1'), '502 closed', 'tunnel_next_upstream off';
is refused('tries', 'a:1'), '502 closed', 'tunnel_next_upstream_tries';
($c) = open_tunnel('bind', 'a:1');
$c->send("who\n");
is $c->read_until(qr/\n/), "127.0.0.3\n", 'tunnel_bind';
ok speaks($c, 'x' x 9_000), 'more than tunnel_buffer_size';
$c->close;

# By the address that a name has led to.
($c) = open_tunnel('inside', $to);
ok speaks($c, 'allowed'), 'tunnel_allow_upstream';
$c->close;
for my $inside ("127.0.0.2:${\ $peer->port}", "[::1]:${\ $peer->port}") {
    is refused('inside', $inside), '502 closed', "$inside: not allowed";
    ok $t->wait_log(qr/upstream server is not allowed .*CONNECT \Q$inside\E/),
        'told';
}

# ---- time ----

$start = time;
is refused('time', $stuck), '504 closed', 'tunnel_connect_timeout';
like join('', $t->log), qr/upstream timed out .* while connecting to upstream/,
    'told';
($c) = open_tunnel('time', $to);
for (1 .. 3) {
    sleep 0.4;
    ok speaks($c, 'still'), 'alive';
}
ok $c->closed, 'tunnel_read_timeout: silence ends it';
like join('', $t->log),
    qr/upstream timed out .* while proxying upgraded connection/, 'told';
($c) = open_tunnel('send', 'a:1');
$c->send("deaf\n");
$c->socket->blocking(0);
$start = time;
while (time - $start < 5 && !grep { /tunnel_send_timeout|upstream timed out .*"CONNECT a:1/ } $t->log) {
    $c->socket->syswrite('x' x 65536);
    sleep 0.02;
}
cmp_ok time - $start, '<', 5, 'tunnel_send_timeout: a peer that takes nothing';

# ---- reloads ----

($c) = open_tunnel(undef, $to);
ok $t->reload, 'reload';
sleep 0.3;
ok speaks($c, 'after'), 'the tunnel is open';
$c->close;

# ---- configurations ----

sub message {
    my ($lines) = @_;
    my $out = Weir::Test::conf_test("%%GLOBALS%%\nevents { }\nhttp {\nserver {\n"
        . "$lines\n}\n}\n");

    return $out->{code} ? $out->{first} =~ s/ in F:\d+\z//r : 'fine';
}

is message('tunnel_pass; tunnel_pass;'), '"tunnel_pass" directive is duplicate',
    'twice';
is message('tunnel_pass 127.0.0.1;'), 'no port in upstream "127.0.0.1"',
    'no port';
is message('if ($arg_a) { tunnel_pass; }'),
    '"tunnel_pass" directive is not allowed here', 'in an if of a server';
is message('tunnel_send_lowat 0;'), 'fine', 'tunnel_send_lowat';

done_testing;
