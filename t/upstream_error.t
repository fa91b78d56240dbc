# SPDX-License-Identifier: BSD-2-Clause
#
# What is told of tries that fail: $upstream_error, the log as JSON,
# Proxy-Status, and the directives at the end of lines of the error log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Weir::Test;
use Weir::TLS;

plan skip_all => 'nginx has none of this' if is_oracle();
need_tls();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->ca('strange');
$pki->issue('up', by => 'ca', names => ['up.test']);

my $ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
my $backend = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my ($what) = ($c->read_until(qr/\r\n\r\n/) // '') =~ m{^\w+ /(\w+)};

    return if !defined $what || $what eq 'close';
    if ($what eq 'reset') {
        setsockopt $c->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
        return;
    }
    if ($what =~ /^silent|^gone/) {
        $c->read_all;
        return;
    }
    if ($what eq 'full') {
        sleep 5;
        return;
    }
    $c->send($what eq 'invalid' ? "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"
        : $what eq 'big' ? $ok . 'X-A: ' . 'a' x 5000 . "\r\n\r\nok"
        : $what eq 'huge' ? $ok . 'X-A: ' . 'a' x 70_000 . "\r\n\r\nok"
        : $what eq 'chunk' ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx\r\n"
        : $what eq 'short' ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
        : $what eq 'stall' ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
        : $what eq 'said' ? "${ok}Proxy-Status: inner; received-status=200\r\n\r\nok"
        : "$ok\r\nok");
    $c->read_all if $what eq 'stall';
});
my $up = $backend->port;

$t->run(<<"EOC");
%%HTTP%%
    error_log %%TESTDIR%%/error.log info;
    error_log %%TESTDIR%%/error.json info json;
    log_format error '\$uri \$upstream_error';
    access_log %%TESTDIR%%/errors.log error;
    access_log %%TESTDIR%%/errors.json json;
    proxy_ssl_trusted_certificate %%TESTDIR%%/tls/strange.pem;
    proxy_status on;
    proxy_next_upstream off;
    add_header X-Error \$upstream_error always;
    map \$upstream_last_addr \$allowed { volatile; default 0; 127.0.0.1:%%PORT_plain%% 1; }
    upstream either { server 127.0.0.1:$up; server 127.0.0.1:%%PORT_plain%%; }
    server { listen 127.0.0.1:%%PORT_plain%%; return 200 plain; }
    upstream down { server 127.0.0.1:$up down; }
    upstream two { server 127.0.0.1:%%PORT_dead%% max_fails=0; server 127.0.0.1:$up backup; }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        ssl_certificate %%TESTDIR%%/tls/up.pem;
        ssl_certificate_key %%TESTDIR%%/tls/up.key;
        return 200 tls;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 100m;
        proxy_read_timeout 1500ms;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /silent { proxy_read_timeout 200ms;
            proxy_pass http://127.0.0.1:$up; }
        location /silent/off { error_hints off; proxy_read_timeout 200ms; proxy_pass http://127.0.0.1:$up; }
        location /stall { proxy_read_timeout 200ms; proxy_pass http://127.0.0.1:$up; }
        location /full { proxy_send_timeout 200ms; proxy_socket_sndbuf 4k; proxy_pass http://127.0.0.1:$up; }
        location /dns { set \$u none.test; resolver 127.0.0.1:%%PORT_dead%%; resolver_timeout 1s; proxy_pass http://\$u; }
        location /noresolver { set \$u none.test; proxy_pass http://\$u; }
        location /refused { proxy_pass http://127.0.0.1:%%PORT_dead%%; }
        location /unreachable { proxy_pass http://unix:%%TESTDIR%%/none.sock; }
        location /tls/late { proxy_connect_timeout 200ms; proxy_pass https://127.0.0.1:$up/silent; }
        location /tls/none { proxy_pass https://127.0.0.1:%%PORT%%; }
        location /tls/verify { proxy_ssl_verify on; proxy_pass https://127.0.0.1:%%PORT_tls%%; }
        location /down { proxy_pass http://down; }
        location /bind { proxy_bind 192.0.2.1; proxy_pass http://127.0.0.1:$up; }
        location /two/ { proxy_next_upstream error; proxy_pass http://two/ok; }
        location /over { error_page 502 = \@over; proxy_pass http://127.0.0.1:%%PORT_dead%%; }
        location \@over { proxy_pass http://127.0.0.1:$up; }
        location /big/set { proxy_buffer_size 4k; proxy_pass http://127.0.0.1:$up; }
        location /big/both { proxy_buffer_size 4k; proxy_max_header_size 8k; proxy_pass http://127.0.0.1:$up; }
        location /big/less { proxy_max_header_size 4500; proxy_pass http://127.0.0.1:$up; }
        location /big/in/ { proxy_buffer_size 4k;
            location /big/in/set { proxy_pass http://127.0.0.1:$up; }
            location /big/in/both { proxy_max_header_size 8k; proxy_pass http://127.0.0.1:$up; } }
        location /denied { proxy_allow_upstream 1 \$allowed; proxy_pass http://127.0.0.1:$up; }
        location /allowed { proxy_allow_upstream \$allowed; proxy_next_upstream denied; proxy_pass http://either/ok; }
        location /neither { proxy_allow_upstream \$allowed ""; proxy_next_upstream denied; proxy_pass http://either/ok; }
        location /quiet { proxy_status off; proxy_pass http://127.0.0.1:%%PORT_dead%%; }
    }
}
EOC

# ---- \$upstream_error and Proxy-Status

my @cases = (
    ['/dns', 502, 'dns', 'dns_error'],
    ['/noresolver', 502, 'dns', 'dns_error'],
    ['/refused', 502, 'refused', 'connection_refused'],
    ['/unreachable', 502, 'unreachable', 'destination_ip_unroutable'],
    ['/tls/late', 504, 'connect_timeout', 'connection_timeout'],
    ['/tls/none', 502, 'tls', 'tls_protocol_error'],
    ['/tls/verify', 502, 'tls_verify', 'tls_certificate_error'],
    ['/reset', 502, 'reset', 'connection_terminated'],
    ['/silent', 504, 'read_timeout', 'http_response_timeout'],
    ['/close', 502, 'premature_close', 'http_response_incomplete'],
    ['/invalid', 502, 'header_invalid', 'http_protocol_error'],
    ['/huge', 502, 'header_too_big', 'http_response_header_section_size'],
    ['/down', 502, 'no_live_upstreams', 'destination_unavailable'],
    ['/denied', 502, 'denied', 'destination_ip_prohibited'],
    ['/bind', 500, 'local_limit', 'connection_limit_reached'],
);
$t->expect_log(qr/bind\(192.0.2.1\) failed/);
$t->expect_log(qr/connect\(\) to unix:.* failed \(2:/);
for my $case (@cases) {
    my ($uri, $status, $error, $type) = @$case;
    my $r = $t->get($uri);

    is $r->status . ' ' . ($r->header('X-Error') // '-'), "$status $error", $uri;
    is $r->header('Proxy-Status'), "nginx; error=$type", '... Proxy-Status';
}
my $r = $t->post('/full', 'x' x 20_000_000);
is $r->status . $r->header('X-Error'), '504send_timeout', 'a server that reads nothing';
is $r->header('Proxy-Status'), 'nginx; error=connection_write_timeout',
    '... Proxy-Status';
$r = $t->get('/ok');
is $r->header('Proxy-Status'), 'nginx; received-status=200', 'no error';
is $r->header('X-Error'), '-', '... no word';
is join('|', $t->get('/said')->headers('Proxy-Status')),
    'inner; received-status=200|nginx; received-status=200',
    'behind that of a proxy before this one';
is $t->get('/two/')->header('X-Error'), 'refused, -', 'a second try';
for (1 .. 3) {
    my $allowed = $t->get('/allowed');
    is $allowed->body, 'plain', 'the server that is allowed';
    like $allowed->header('X-Error'), qr/^(?:denied, )?-$/, '... also as the second';
}
is $t->get('/neither')->header('X-Error'), 'denied, denied', 'none is allowed';
is $t->get('/over')->header('X-Error'), 'refused : -', 'another location';
is $t->get('/quiet')->header('Proxy-Status'), undef, 'proxy_status off';

ok !$t->get($_)->complete, "$_ is not complete" for qw(/chunk /short /stall);
my $c = $t->connect;
$c->send_request('GET', '/gone');
ok wait_until(sub { grep { $_->{accepted} } $backend->records }, 5), 'asked';
select undef, undef, undef, 0.05;
$c->close;
ok wait_until(sub { $t->read('errors.log') =~ m{^/gone}m }, 5), 'the client goes';
my %logged = $t->read('errors.log') =~ m{^/(\w+) (\w+)$}mg;
is_deeply { map { $_ => $logged{$_} } qw(chunk short stall gone) },
    { chunk => 'body_invalid', short => 'premature_close',
      stall => 'read_timeout', gone => 'client_closed' }, 'in the log';

my %json = map { my $o = decode_json($_); (($o->{uri} // '') => $o) }
    split /\n/, $t->read('errors.json');
is_deeply [map { $json{$_}{upstream_error} } qw(/dns /refused /ok /two/)],
    ['dns', 'refused', undef, ['refused', undef]], 'in the log as JSON';

# ---- the directive at the end of a line

my %line = map { m{request: "\w+ (/\S*)} ? ($1 => $_) : () } $t->log;
my $conf = $t->read('nginx.conf');
my $at = sub {
    my ($directive, $from) = @_;
    my $start = index $conf, $from // $directive;
    my $to = index $conf, $directive, $start;
    return 'nginx.conf:' . (1 + (() = substr($conf, 0, $to) =~ /\n/g));
};
my $read = $at->('proxy_read_timeout 200ms', 'location /silent');
like $line{'/silent'}, qr/host: "localhost" \(proxy_read_timeout 200ms, $read\)$/,
    'the directive that set the limit';
is decode_json((grep { /GET \/silent/ } $t->log('error.json'))[0])->{limit},
    "proxy_read_timeout 200ms, $read", '... in the log as JSON';
like $line{'/full'}, qr/\(proxy_send_timeout 200ms, ${\$at->('proxy_send_timeout')}\)$/,
    'to send';
like $line{'/tls/late'}, qr/\(proxy_connect_timeout 200ms, nginx.conf:\d+\)$/,
    'to connect';
like $line{'/huge'}, qr/too big header .*\(proxy_max_header_size 64k, the default\)$/,
    'a default';
$t->get('/silent/off');
ok wait_until(sub { ($line{off}) = grep { m{GET /silent/off} } $t->log }, 5), 'off';
like $line{off}, qr/host: "localhost"$/, '... no directive';

# ---- heads that are larger than proxy_buffer_size

is $t->get('/big')->header('X-A'), 'a' x 5000, 'a head larger than the buffer';
is $t->get('/big/both')->status, 200, 'both sizes';
is $t->get('/big/set')->status, 502, 'proxy_buffer_size alone is a limit';
is $t->get('/big/in/set')->status, 502, '... from outside as well';
is $t->get('/big/in/both')->status, 200, '... where both are not in one place';
is $t->get('/big/less')->status, 502, 'proxy_max_header_size is a limit';
$t->get('/big') for 1 .. 3;
my @big = grep { /upstream sent header of \d+ bytes/ } $t->log;
is scalar @big, 3, 'the log says it once for each location';
like $big[0], qr{\[warn\] .* in location "/", more than "proxy_buffer_size" .*\(proxy_buffer_size 4k, the default\)$},
    '... with the directive';
like $big[1], qr{in location "/big/both".*\(proxy_buffer_size 4k, nginx.conf:\d+\)$},
    '... and its place';

done_testing;
