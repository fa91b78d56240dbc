# SPDX-License-Identifier: BSD-2-Clause
#
# A uWSGI server with an application in Python, with and without TLS: what the
# application receives, bodies both ways, its status lines and its ends; whom
# TLS trusts, and what it shows of itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::Program;
use Weir::Test;
use Weir::TLS;

need_module('http_uwsgi');
need_tls();
need_program('uwsgi');

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->ca('strange');
$pki->issue('up', by => 'ca', names => ['up.test']);
$pki->issue('one', by => 'ca');
chmod 0755, $t->dir;

my $log = $t->path('uwsgi.log');
my ($plain, $secure, $asks) = map { $t->port($_) } qw(plain secure asks);
my ($pem, $key) = map { $pki->path("up.$_") } qw(pem key);
my $app = Weir::Program->new(
    command => ['uwsgi', '--plugin', 'python3', '--master', '--processes', 2,
                '--need-app', '--die-on-term', '--disable-logging',
                '--socket', "127.0.0.1:$plain",
                '--suwsgi-socket', "127.0.0.1:$secure,$pem,$key",
                '--suwsgi-socket', "127.0.0.1:$asks,$pem,$key,HIGH,!"
                    . $pki->path('ca.pem'),
                '--wsgi-file', "$FindBin::Bin/data/wsgi/app.py"],
    ports => [$plain, $secure, $asks], log => $log, dir => $t->dir);

$t->write('uwsgi_params', Weir::Test::slurp("$FindBin::Bin/../conf/uwsgi_params"));
$t->expect_log(qr/SSL_read\(\) failed .*certificate required/);
# nginx resumes sessions that were not verified.
my $own = is_oracle() ? 'uwsgi_ssl_session_reuse off;' : '';
$t->run(<<'EOC' =~ s/OWN/$own/gr);
%%HTTP%%
    client_max_body_size 20m;
    uwsgi_ssl_protocols TLSv1.2 TLSv1.3;
    uwsgi_ssl_trusted_certificate %%TESTDIR%%/tls/ca.pem;
    include uwsgi_params;
    upstream group { server 127.0.0.1:%%PORT_secure%%; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { uwsgi_pass uwsgi://127.0.0.1:%%PORT_plain%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%%;
        location / { uwsgi_pass suwsgi://127.0.0.1:%%PORT_secure%%; }
        location /group { OWN uwsgi_ssl_verify on; uwsgi_ssl_name up.test; uwsgi_pass suwsgi://group; }
        location /var { set $u 127.0.0.1:%%PORT_secure%%; uwsgi_pass suwsgi://$u; }
        location /whole { uwsgi_pass $arg_u; }
        location /strange { OWN uwsgi_ssl_verify on; uwsgi_ssl_name up.test;
                            uwsgi_ssl_trusted_certificate %%TESTDIR%%/tls/strange.pem; uwsgi_pass suwsgi://group; }
        location /wrong { OWN uwsgi_ssl_verify on; uwsgi_ssl_name wrong.test; uwsgi_pass suwsgi://group; }
        location /host { OWN uwsgi_ssl_verify on; uwsgi_pass suwsgi://group; }
        location /cert { OWN uwsgi_ssl_certificate %%TESTDIR%%/tls/one.pem; uwsgi_ssl_certificate_key %%TESTDIR%%/tls/one.key;
                         uwsgi_pass suwsgi://127.0.0.1:%%PORT_asks%%; }
        location /nocert { OWN uwsgi_pass suwsgi://127.0.0.1:%%PORT_asks%%; }
        location /totls { uwsgi_pass 127.0.0.1:%%PORT_secure%%; uwsgi_read_timeout 2s; }
    }
}
EOC

# ---- what it receives, and what becomes of its responses

for my $way ('', 'tls') {
    my $port = $t->port($way || undef);
    my $name = $way || 'plain';
    my @at = (port => $port);

    my $r = $t->get('/a%20b?x=1&y=%20', @at,
                    headers => ['X-Some' => 'v', Cookie => 'a=b']);
    my %got = map { split /=/, $_, 2 } split /\n/, $r->body;
    like delete $got{REMOTE_PORT}, qr/^\d+$/, "$name: REMOTE_PORT";
    is_deeply \%got, {
        QUERY_STRING => 'x=1&y=%20', REQUEST_METHOD => 'GET',
        CONTENT_LENGTH => '', CONTENT_TYPE => '',
        REQUEST_URI => '/a%20b?x=1&y=%20',
        PATH_INFO => '/a b', DOCUMENT_ROOT => $t->path('html'),
        SERVER_PROTOCOL => 'HTTP/1.1', REQUEST_SCHEME => 'http',
        REMOTE_ADDR => '127.0.0.1', SERVER_PORT => $port, SERVER_NAME => '',
        HTTP_HOST => 'localhost', HTTP_CONNECTION => 'close', HTTP_X_SOME => 'v', HTTP_COOKIE => 'a=b',
    }, "$name: what it receives" or diag $r->body;

    for my $n (0, 1, 100_000, 8_000_000) {
        my $body = substr 'abcdefghijklmno' x ($n / 15 + 1), 0, $n;
        is $t->request('POST', '/echo', @at, body => $body)->body,
            "$n " . md5_hex($body), "$name: a body of $n bytes";
    }
    is md5_hex($t->get('/large', @at)->body),
        md5_hex('0123456789abcdef' x (1 << 18)), "$name: 4 MiB";
    $r = $t->get('/status', @at);
    is join(',', $r->status, $r->reason, $r->headers('X-A')),
        '418,Short and stout,1,2', "$name: a status line, headers";
    $r = $t->get('/move', @at);
    is $r->status . $r->header('Location'), '302/else', "$name: Location";
    is $t->get('/none', @at)->status, 204, "$name: no body";
    ok !$t->get('/cut', @at)->complete, "$name: too short is not complete";

    my $until = $t->path("until-$name");
    my $c = $t->connect(@at);
    $c->send_request('GET', '/stream', headers => ['X-Until' => $until]);
    ok defined $c->read_until(qr/first\n/), "$name: a stream";
    $t->write("until-$name", '');
    ok defined $c->read_until(qr/last\n/), "$name: its end";
}

# ---- TLS

sub status { return $t->get($_[0], port => $t->port('tls'))->status }

is status('/group'), 200, 'verified';
is status('/var'), 200, 'the address in a variable';
is status("/whole?u=suwsgi://127.0.0.1:$secure"), 200, 'the scheme, too';
is status("/whole?u=uwsgi://127.0.0.1:$plain"), 200, '... without TLS';
is status("/whole?u=127.0.0.1:$plain"), 200, '... and without a scheme';
is status("/$_"), 502, "not trusted: $_" for qw(strange wrong host);
is status('/cert'), 200, 'a certificate is shown';
isnt status('/nocert'), 200, '... where one is asked for';
isnt status('/totls'), 200, 'no TLS';
my $errors = $t->read('error.log');
like $errors, qr/upstream SSL certificate does not match "wrong.test" while SSL handshaking to upstream/,
    'the wrong name';
like $errors, qr/upstream SSL certificate does not match "group"/,
    'the name is that of the address';
like $errors, qr{upstream: "suwsgi://127.0.0.1:$secure"}, 'with its scheme';

# ---- configurations

for my $case (
    ['uwsgi_pass suwsgi://a; uwsgi_ssl_verify on;',
     'no uwsgi_ssl_trusted_certificate for uwsgi_ssl_verify'],
    ['uwsgi_pass suwsgi://a; uwsgi_ssl_certificate x;',
     'no "uwsgi_ssl_certificate_key" is defined for certificate'],
    ['uwsgi_ssl_verify maybe;', 'invalid value "maybe" in "uwsgi_ssl_verify"'],
) {
    my ($conf, $error) = @$case;
    my $file = $t->write('wrong.conf', "events {}\nhttp {"
                         . "upstream a { server 127.0.0.1:1; }"
                         . "server { location / { $conf } } }\n");
    my ($code, $out, $err) = run_binary('-t', '-c', $file, '-p', $t->dir);
    like $err, qr/\[emerg\].*?\Q$error\E/, $conf;
}

done_testing;
