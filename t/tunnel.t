# SPDX-License-Identifier: BSD-2-Clause
#
# tunnel_pass: CONNECT requests become tunnels.  What the target may be, whom
# the rules let through, what is said of it, ends, timeouts, and a real client.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Weir::Test;
use Weir::TLS;

plan skip_all => 'tunnels are of nginx 1.31' if !version_at_least('1.31.0');
need_module('http_tunnel');
need_tls();

my $big = join '', (map { pack 'N', $_ * 31 } 1 .. 300_000), '--end--';
my $echo = Weir::Backend->tcp(sub {
    my ($c) = @_;

    while (defined(my $line = $c->read_until(qr/\n/))) {
        return if $line eq "bye\n";
        $c->send($line eq "big\n" ? $big : uc $line);
    }
});
my $up = $echo->port;

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('up', by => 'ca', names => ['localhost', '127.0.0.1']);
$t->write('users', "joe:{PLAIN}secret\n");
chmod 0755, $t->dir;
$t->run(<<"EOC");
%%HTTP%%
    log_format tunnel '\$request_method \$status [\$upstream_addr] \$request_uri \$remote_user \$upstream_error \$bytes_sent';
    access_log %%TESTDIR%%/tunnel.log tunnel;
    upstream two { server 127.0.0.1:%%PORT_dead%%; server 127.0.0.1:$up backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name any.test;
        add_header X-To "\$host \$request_port \$uri" always;
        tunnel_read_timeout 60s;
        tunnel_pass;
    }
    server {
        listen 127.0.0.1:%%PORT_rules%%;
        if (\$request_port != $up) { return 403 "port \$request_port"; }
        auth_basic proxy;
        auth_basic_user_file users;
        location / { tunnel_buffer_size 512; tunnel_pass; }
        location /none { }
    }
    server {
        listen 127.0.0.1:%%PORT_brief%%;
        tunnel_read_timeout 300ms;
        tunnel_pass 127.0.0.1:$up;
    }
    server { listen 127.0.0.1:%%PORT_two%%; tunnel_pass two; }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        ssl_certificate %%TESTDIR%%/tls/up.pem;
        ssl_certificate_key %%TESTDIR%%/tls/up.key;
        return 200 "over TLS, \$host";
    }
    server { listen 127.0.0.1:%%PORT_plain%%; return 200 plain; }
}
EOC

# open($to, %opt): the connection, and the head of the response
sub open_tunnel {
    my ($to, %opt) = @_;
    my $c = $t->connect(port => $opt{port} // $t->port);
    my $more = $opt{more} // '';

    $c->send("CONNECT $to HTTP/1.1\r\nHost: $to\r\n$more\r\n" . ($opt{early} // ''));
    my $head = $c->read_until(qr/\r\n\r\n/) // '';
    return ($c, $head);
}

my ($c, $head) = open_tunnel("127.0.0.1:$up");
like $head, qr{^HTTP/1\.1 200 }, 'a tunnel';
unlike $head, qr/^(?:Content-Length|Transfer-Encoding|Content-Type):/mi,
    'without a body';
like $head, qr/^Connection: close\r$/m, '... and without keep-alive';
like $head, qr{^X-To: 127\.0\.0\.1 $up /\r$}m, 'variables';
$c->send("one\n");
is $c->read_until(qr/\n/), "ONE\n", 'bytes, both ways';
$c->send("big\n");
ok $c->read_until(qr/--end--/) eq $big, 'many of them';
$c->send("bye\n");
is $c->read_all, '', 'the upstream ends it';

($c) = open_tunnel("127.0.0.1:$up", early => "early\n");
is $c->read_until(qr/\n/), "EARLY\n", 'bytes behind the head';
shutdown $c->{sock}, 1;
is $c->read_all, '', 'the client ends it';

sub answer {
    my ($to, %opt) = @_;
    my ($c, $head) = open_tunnel($to, %opt);
    return $head =~ m{^HTTP/1\.\d (\d+)} ? $1 : $head;
}
is answer($_), 400, "refused: $_" for 'a.test', 'a.test:', '/', 'http://a:1/',
    '*', 'u@a:1', 'a:65536', '[::1:1', ':80', "127.0.0.1:$up/", "127.0.0.%31:$up";
is answer($_), 500, "nowhere: $_" for 'a.test:0', 'unix:80';
is answer('127.0.0.1:' . $t->port('dead')), 502, 'nobody listens';
is answer('no.test:80'), 502, 'no resolver';
is answer("127.0.0.1:$up", more => "Content-Length: 1\r\n"), 400, 'a body';
is answer("127.0.0.1:$up", more => "Transfer-Encoding: chunked\r\n"), 400,
    '... of unknown length';
is $t->get('/')->status, 405, 'GET';
is $t->raw("CONNECT 127.0.0.1:$up HTTP/1.0\r\n\r\n")->status, 405, 'HTTP/1.0';
is answer("127.0.0.1:$up", port => $t->port('plain')), 405, 'no tunnel here';

# ---- rules

my $rules = $t->port('rules');
my $joe = 'Proxy-Authorization: Basic ' . encode_base64('joe:secret', '') . "\r\n";
is answer('127.0.0.1:81', port => $rules, more => $joe), 403, 'a port';
(my $x, $head) = open_tunnel("127.0.0.1:$up", port => $rules);
like $head, qr/^HTTP\/1\.1 407 .*^Proxy-Authenticate: Basic realm="proxy"\r$/ms,
    'a name and a password';
($c, $head) = open_tunnel("127.0.0.1:$up", port => $rules, more => $joe);
like $head, qr{^HTTP/1\.1 200 }, '... given';
$c->send("big\n");
ok $c->read_until(qr/--end--/) eq $big, 'a small tunnel_buffer_size';
$c->close;
is answer("127.0.0.1:$up", port => $rules,
          more => 'Authorization' . substr $joe, 19), 407, 'the other header';

# ---- timeouts, groups

($c) = open_tunnel('x.test:1', port => $t->port('brief'));
$c->send("one\n");
is $c->read_until(qr/\n/), "ONE\n", 'a fixed target';
is $c->read_all, '', 'ended by tunnel_read_timeout';
ok wait_until(sub { $t->read('error.log') =~ /timed out .*while proxying upgraded connection/ }, 5),
    '... logged';
($c) = open_tunnel('x.test:1', port => $t->port('two'));
$c->send("one\n");
is $c->read_until(qr/\n/), "ONE\n", 'the next server of a group';
$c->close;

# ---- a real client

my $proxy = 'http://127.0.0.1:' . $t->port;
my $to = 'https://127.0.0.1:' . $t->port('tls') . '/';
my ($out) = curl('-s', '-p', '--noproxy', '', '-x', $proxy, '--cacert', $pki->path('ca.pem'), $to);
is $out, 'over TLS, 127.0.0.1', 'curl, TLS through the tunnel';
($out) = curl('-sS', '-p', '--noproxy', '', '-x', "http://joe:wrong\@127.0.0.1:$rules",
              "http://127.0.0.1:$up/");
like $out, qr/CONNECT tunnel failed, response 407/, '... with a wrong password';

ok wait_until(sub { $t->read('tunnel.log') =~ /joe - \d+$/m }, 5), 'logged';
like $t->read('tunnel.log'),
    qr{^CONNECT 200 \[127\.0\.0\.1:$up\] / - - \d{7}$}m, 'the line of a tunnel';
like $t->read('tunnel.log'), qr{^CONNECT 502 \S+ / - refused \d+$}m,
    'that of a failure';

# ---- explained

SKIP: {
    skip 'nginx explains nothing', 7 if is_oracle();
    my @about = ('-c', $t->path('nginx.conf'), '-p', $t->dir);
    my (undef, $said) = run_binary('explain', "CONNECT http://127.0.0.1:$rules/",
                                   '-H', 'Host: a.test:81', @about);
    like $said, qr/< HTTP\/1\.1 403 /, 'explain: refused';
    (undef, $said) = run_binary('explain', 'CONNECT http://127.0.0.1:' . $t->port . '/',
                                '-H', "Host: 127.0.0.1:$up", @about);
    like $said, qr{asks tunnel://127\.0\.0\.1:$up.*< HTTP/1\.1 200 }s, '... or not';

    $t->write('rules.conf', <<'EOC');
events {}
http {
    map $host $is_ours { hostnames; default 0; *.a.test 1; }
    upstream two { server 127.0.0.1:7; server 127.0.0.2:7; }
    server {
        listen 127.0.0.1:8080;
        if ($request_port != 443) { return 403; }
        tunnel_allow_upstream $is_ours;
        allow 10.0.0.0/8;
        deny all;
        resolver 127.0.0.1;
        tunnel_pass;
    }
    server {
        listen 127.0.0.2:8080;
        tunnel_next_upstream denied;
        tunnel_allow_upstream $upstream_last_addr $is_ours;
        tunnel_pass two;
    }
}
EOC
    my $explain = sub {
        my ($at, $to, $from) = @_;
        return (run_binary('explain', "CONNECT http://$at:8080/", '-H', "Host: $to",
                           '--from', $from, '-c', $t->path('rules.conf'),
                           '-p', $t->dir))[1];
    };
    like $explain->('127.0.0.1', 'x.a.test:443', '10.1.1.1'),
        qr{decided allow 10\.0\.0\.0/8;.*allowed tunnel_allow_upstream \$is_ours; \(for x\.a\.test:443: no value is empty or 0\)\s+rules\.conf:8\n\s+asks tunnel://x\.a\.test:443.*< HTTP/1\.1 200 }s,
        'the rules that allow';
    like $explain->('127.0.0.1', 'x.test:443', '10.1.1.1'),
        qr{refused tunnel_allow_upstream \$is_ours; \(for x\.test:443: a value is empty or 0\)\s+rules\.conf:8\n(?!.*asks).*upstream server is not allowed.*< HTTP/1\.1 502 }s,
        'the target is refused';
    like $explain->('127.0.0.1', 'x.a.test:443', '11.1.1.1'),
        qr{decided deny all; .*rules\.conf:10\n.*< HTTP/1\.1 403 }s, '... the client';
    like $explain->('127.0.0.1', 'x.a.test:80', '10.1.1.1'),
        qr{entered if \(\$request_port != 443\).*rules\.conf:7\n.*< HTTP/1\.1 403 }s,
        '... the port';
    like $explain->('127.0.0.2', 'x.test:80', '10.1.1.1'),
        qr{refused .*for 127\.0\.0\.1:7: .*refused .*for 127\.0\.0\.2:7: .*< HTTP/1\.1 502 }s,
        '... each peer of a group';
}

# ---- configurations

for my $case (
    ['tunnel_next_upstream http_500;', 'invalid value "http_500"'],
    ['tunnel_pass a b;', 'invalid number of arguments in "tunnel_pass"'],
    ['tunnel_pass 127.0.0.1:x;', 'invalid port in upstream'],
) {
    my ($conf, $error) = @$case;

    like conf_test("%%HTTP%%\nserver { location / { $conf } } }\n")->{err},
        qr/\[emerg\].*?\Q$error\E/, $conf;
}

done_testing;
