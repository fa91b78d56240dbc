# SPDX-License-Identifier: BSD-2-Clause
#
# A Rails application on Puma, over a unix socket and TCP, configured as Rails
# sites are: files of public/ first, compressed assets that never expire, files
# that the application hands over (X-Accel-Redirect), forms with their tokens,
# uploads, streams, Action Cable, and a page of its own when Puma is away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use IO::Compress::Gzip qw(gzip);
use JSON::PP qw(decode_json);
use Weir::Program;
use Weir::Test qw(:DEFAULT slow);
use Weir::TLS;
use Weir::WebSocket;

need_module('http_gzip_static');
need_tls();
need_program('puma');
plan skip_all => 'no Rails: sh auto/deps test installs it'
    if system('ruby -e \'require "action_cable/engine"; require "rails"\' 2>/dev/null') != 0;

my $t = Weir::Test->new;
my $app_port = $t->port('app');
my $socket = $t->path('app/puma.sock');
my $script = "alert('" . 'x' x 5000 . "')\n";

chmod 0755, $t->dir;
$t->write("app/public/$_->[0]", $_->[1], mtime => 1_500_000_000)
    for ['about/index.html', 'about us'], ['robots.txt', "Allow: /\n"],
        ['500.html', 'sorry'], ['404.html', 'no such page'],
        ['422.html', 'rejected'], ['assets/a-1f.js', $script];
gzip \$script, \my $packed;
$t->write('app/public/assets/a-1f.js.gz', $packed, mtime => 1_500_000_000);
$t->write('app/shared/report.txt', join '', map { "line $_\n" } 1 .. 2000);
Weir::TLS->new($t)->issue('app', names => ['app.test']);

my $puma = Weir::Program->new(
    command => ['puma', '-e', 'production', '-t', '8:8', '-b',
                "tcp://127.0.0.1:$app_port", '-b', "unix://$socket?umask=0",
                "$FindBin::Bin/data/rails/config.ru"],
    ports => [$app_port], log => $t->path('puma.log'), dir => $t->path('app'),
    env => { APP_ROOT => $t->path('app'), RAILS_ENV => 'production' });

sub server {
    my ($listen, $upstream, $more, $tls) = @_;

    return <<"EOC";
    server {
        listen 127.0.0.1:$listen;
        server_name app.test;
        @{[ $tls // '' ]}
        root %%TESTDIR%%/app/public;
        client_max_body_size 11m;
        keepalive_timeout 10;
        error_page 500 502 503 504 /500.html;
        try_files \$uri/index.html \$uri \@app;

        location ^~ /assets/ {
            gzip_static on;
            expires max;
            add_header Cache-Control public;
        }
        location \@app {
            proxy_pass http://$upstream;
            proxy_redirect off;
            proxy_set_header Host \$http_host;
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto \$scheme;
            $more
            proxy_set_header X-Accel-Mapping "%%TESTDIR%%/app/shared/=/private/";
        }
        location /private/ {
            internal;
            alias %%TESTDIR%%/app/shared/;
        }
        location /cable {
            proxy_pass http://$upstream;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection "Upgrade";
            proxy_set_header Host \$http_host;
            proxy_set_header X-Forwarded-Proto \$scheme;
        }
    }
EOC
}

# Nothing to say since 1.29.7.  In responses to HTTP/1.0, Rails does not stream.
my $kept = "proxy_http_version 1.1;\nproxy_set_header Connection '';";
my $preset = version_at_least('1.29.7') ? '' : $kept;

$t->run(<<'EOC' . server('%%PORT%%', 'unix_app', $preset)
%%HTTP%%
    types { text/html html; application/javascript js; text/plain txt; }
    gzip on;
    gzip_types text/plain application/json;
    upstream unix_app { server unix:%%TESTDIR%%/app/puma.sock fail_timeout=0; }
    upstream tcp_app { server 127.0.0.1:%%PORT_app%% fail_timeout=0; keepalive 4; }
EOC
    . server('%%PORT_tcp%%', 'tcp_app', $kept)
    . server('%%PORT_https%% ssl', 'unix_app', $preset,
             "ssl_certificate tls/app.pem;\nssl_certificate_key tls/app.key;")
    . "}\n");

# The form's token, and the cookie of the session that it belongs to.
sub open_form {
    my (@at) = @_;
    my $r = $t->get('/pages/new', @at);
    my ($token) = $r->body =~ /name="authenticity_token" value="([^"]+)"/;
    my ($cookie) = ($r->header('Set-Cookie') // '') =~ /^(_application_session=[^;]+)/;

    return ($token, $cookie, $r);
}

sub part {
    my ($name, $value, $file) = @_;

    return "--b\r\nContent-Disposition: form-data; name=\"$name\""
        . ($file ? "; filename=\"$file\"\r\nContent-Type: text/plain" : '')
        . "\r\n\r\n$value\r\n";
}

sub send_form {
    my ($cookie, $form, @at) = @_;

    return $t->post('/pages', $form . "--b--\r\n", @at, headers => [
        Cookie => $cookie, 'Content-Type' => 'multipart/form-data; boundary=b']);
}

for my $way ('', 'tcp') {
    my @at = (port => $t->port($way || undef), host => 'app.test:81');
    my $name = $way || 'unix';
    my ($r, $form, $cookie);

    # ---- files of public/

    is $t->get('/about', @at)->body, 'about us', "$name: a page from a file";
    is $t->get('/robots.txt', @at)->body, "Allow: /\n", "$name: a file";
    $r = $t->get('/assets/a-1f.js', @at, headers => ['Accept-Encoding' => 'gzip']);
    is $r->header('Content-Encoding') . md5_hex($r->body), 'gzip' . md5_hex($packed),
        "$name: an asset, compressed before";
    is $r->header('Expires'), 'Thu, 31 Dec 2037 23:55:55 GMT', "$name: Expires";
    is join(',', $r->headers('Cache-Control')), 'max-age=315360000,public',
        "$name: Cache-Control";
    is $t->get('/assets/a-1f.js', @at)->body, $script, "$name: not compressed";
    is $t->get('/assets/none.js', @at)->status, 404, "$name: no such asset";

    # ---- what the application receives

    $r = $t->get('/facts/a%2Fb//c?x=%20&y', @at, headers => [
        'X-Forwarded-For' => '203.0.113.7', 'X-Forwarded-Proto' => 'https',
        Cookie => 'a=b', 'Accept-Language' => 'de', Via => '1.0 x']);
    my $facts = decode_json($r->body);
    my $headers = delete $facts->{headers};
    is_deeply $facts, {
        url => 'http://app.test:81/facts/a%2Fb//c?x=%20&y', ip => '203.0.113.7',
        ssl => JSON::PP::false, method => 'GET', port => 81,
        path => '/facts/a%2Fb/c?x=%20&y',
    }, "$name: the request" or diag $r->body;
    is_deeply $headers, {
        HTTP_VERSION => 'HTTP/1.1', HTTP_HOST => 'app.test:81',
        HTTP_X_FORWARDED_FOR => '203.0.113.7, 127.0.0.1',
        HTTP_X_FORWARDED_PROTO => 'http', HTTP_COOKIE => 'a=b',
        HTTP_X_ACCEL_MAPPING => $t->path('app/shared/') . '=/private/',
        HTTP_ACCEPT_LANGUAGE => 'de', HTTP_VIA => '1.0 x',
    }, "$name: its headers" or diag $r->body;
    is decode_json($t->request($_, '/facts', @at)->body)->{method}, $_, "$name: $_"
        for qw(PUT DELETE PATCH OPTIONS);

    # ---- forms

    ($form, $cookie, $r) = open_form(@at);
    ok $form && $cookie, "$name: a form with a token";
    is $r->header('X-Frame-Options') . $r->header('X-XSS-Protection'),
        'SAMEORIGIN1; mode=block', "$name: headers of the application";
    my $token = part(authenticity_token => $form);
    my $file = join '', map { pack 'N', $_ } 1 .. 2_600_000;
    $r = send_form($cookie, $token . part(title => 'first')
                   . part(file => $file, 'a b.bin'), @at);
    is $r->status . $r->header('Location'), '302http://app.test:81/pages/new',
        "$name: sent with a file of 10 MB";
    ($cookie) = $r->header('Set-Cookie') =~ /^([^;]+)/;
    $r = $t->get('/pages/new', @at, headers => [Cookie => $cookie]);
    like $r->body, qr/created first with a b\.bin 10400000 @{[md5_hex($file)]}/,
        "$name: the session, and what became of the file";
    $r = send_form($cookie, part(title => 'forged'), @at);
    is $r->status . $r->body, '422rejected', "$name: without the token";
    is send_form($cookie, $token . part(file => 'x' x (12 << 20), 'a'), @at)->status,
        413, "$name: too large";
    is $t->request('POST', '/echo', @at, chunks => ['one', 'two' x 50_000],
                   headers => ['Content-Type' => 'application/octet-stream'])->body,
        'POST 150003 ' . md5_hex('one' . 'two' x 50_000),
        "$name: a body of unknown length";

    # ---- responses

    $r = $t->get('/', @at);
    is $r->status . $r->header('Location'), '301http://app.test:81/pages/new',
        "$name: a redirect";
    $r = $t->get('/mine', @at, headers => [Cookie => $cookie]);
    is $r->body, 'of first', "$name: the session once more";
    is join(' ', map { /^(c\d=[^;]+)/ } $r->headers('Set-Cookie')), 'c0=v+0 c1=v+1 c2=v+2',
        "$name: cookies";

    $r = $t->get('/pages/7', @at);
    is $r->body, 'page 7 ' x 100, "$name: a page";
    my ($etag, $modified) = map { $r->header($_) } qw(ETag Last-Modified);
    for my $case (["W/x, $etag", 'If-None-Match', $etag],
                  ['a date', 'If-Modified-Since', $modified]) {
        $r = $t->get('/pages/7', @at, headers => [@$case[1, 2]]);
        is join(',', $r->status, $r->header('ETag'), $r->body), "304,$etag,",
            "$name: not modified, by $case->[0]";
    }
    $r = $t->head('/pages/7', @at);
    is join(',', $r->status, $r->header('ETag'), $r->body), "200,$etag,", "$name: HEAD";
    $r = $t->get('/pages/7', @at, headers => ['Accept-Encoding' => 'gzip']);
    is $r->header('Content-Encoding') . $r->header('ETag'), "gzip$etag",
        "$name: compressed, with the weak ETag";

    is length($t->get('/pieces', @at, version => $_)->body), 400_151,
        "$name: in pieces, for $_" for qw(1.0 1.1);
    $r = $t->get('/picture', @at);
    is md5_hex($r->body), md5_hex("\x89PNG" . "\0" x 5000), "$name: a picture";
    $r = $t->get('/teapot', @at);
    is $r->status . $r->body, "418short and stout\n", "$name: an odd status";
    $r = $t->get('/boom', @at);
    is $r->status . $r->body, '500sorry', "$name: an exception";
    $r = $t->get('/none', @at);
    is $r->status . $r->body, '404no such page', "$name: no such route";

    # ---- files that the application hands over

    $r = $t->get('/download/report.txt', @at);
    is md5_hex($r->body), md5_hex($t->read('app/shared/report.txt')), "$name: a download";
    is_deeply [map { scalar $r->headers($_) } qw(Content-Type Content-Length X-Accel-Redirect)],
        [1, 1, 0], "$name: one type, one length";
    is $r->header('Content-Type'), 'text/plain', "$name: its type";
    like $r->header('Content-Disposition'), qr/^attachment; filename="report.txt"/,
        "$name: its name";
    $r = $t->get('/download/report.txt', @at, headers => [Range => 'bytes=5-11']);
    is $r->status . $r->body, "206$_", "$name: a part of it" for "1\nline ";
    is $t->get('/private/report.txt', @at)->status, 404, "$name: not from outside";

    # ---- streams

    my $c = $t->connect(port => $at[1]);
    $c->send_request('GET', '/events', host => 'app.test');
    ok defined $c->read_until(qr/data: \{"n":1\}\n\n/), "$name: an event";
    $t->write('app/go', '');
    ok defined $c->read_until(qr/"n":2\}\n\n/), "$name: the next one";
    unlink $t->path('app/go');

    $c = $t->connect(port => $at[1]);
    $c->send_request('GET', '/endless', host => 'app.test');
    ok defined $c->read_until(qr/^\d+\n/m), "$name: a stream without end";
    $c->close;
    ok wait_until(sub { -e $t->path('app/left') }, slow(10)),
        "$name: the application is told that the client has left";
    unlink $t->path('app/left');
}

# ---- Action Cable

sub cable {
    my ($origin, $port) = @_;
    my $c = $t->connect(port => $port, timeout => slow(20));

    $c->send_request('GET', '/cable', host => 'app.test', headers => [
        Upgrade => 'websocket', Connection => 'Upgrade', Origin => $origin,
        'Sec-WebSocket-Key' => 'c2l4dGVlbiBieXRlcy4uLg==', 'Sec-WebSocket-Version' => 13,
        'Sec-WebSocket-Protocol' => 'actioncable-v1-json, actioncable-unsupported']);
    return ($c, $c->read_response);
}

# The next message that is not a ping.
sub message {
    my ($c) = @_;

    for (1 .. 20) {
        my ($type, $text) = ws_read($c);
        return $text if $type != 1 || $text !~ /"type":"ping"/;
    }
}

my $channel = '"identifier":"{\"channel\":\"ChatChannel\"}"';
my @clients;
for my $way ('', 'tcp') {
    my ($c, $r) = cable('http://app.test', $t->port($way || undef));
    is $r->status . ($r->header('Sec-WebSocket-Protocol') // ''), '101actioncable-v1-json',
        'a WebSocket is opened';
    is message($c), '{"type":"welcome"}', '... it is welcome';
    ws_send($c, "{\"command\":\"subscribe\",$channel}");
    like message($c), qr/"type":"confirm_subscription"/, '... and subscribes';
    push @clients, $c;
}
ws_send($clients[0], "{\"command\":\"message\",$channel,\"data\":"
        . '"{\"action\":\"say\",\"text\":\"' . 'hello ' x 500 . '\"}"}');
like message($_), qr/"message":\{"said":"(?:hello ){500}"\}/, 'both hear what one says'
    for @clients;
my (undef, $refused) = cable('http://evil.test', $t->port);
is $refused->status, 404, 'not from another origin';
$_->close for @clients;

# ---- TLS

my $https = 'https://app.test:' . $t->port('https');
my ($text) = curl("$https/facts");
my $facts = decode_json($text);
is $facts->{url} . $facts->{ssl}, "$https/facts1", 'the application knows of TLS';
my $jar = $t->path('cookies');
($text) = curl("$https/pages/new", '-c', $jar);
my ($token) = $text =~ /name="authenticity_token" value="([^"]+)"/;
for my $case (['a form with its origin', $https, 302],
              ['a form of another origin', $https =~ s/s:/:/r, 422]) {
    my (undef, $status) = curl("$https/pages", '-b', $jar, '-H', "Origin: $case->[1]",
        '--form-string', "authenticity_token=$token", '-F', 'title=x');
    is $status, $case->[2], $case->[0];
}

# ---- Puma is away

$puma->stop;
$t->expect_log(qr/connect\(\) to unix:/);
for my $port ($t->port, $t->port('tcp')) {
    my $r = $t->get('/pages/new', port => $port);
    is $r->status . $r->body, '502sorry', 'without Puma';
    is $t->get('/about', port => $port)->body, 'about us', '... files are there';
}

done_testing;
