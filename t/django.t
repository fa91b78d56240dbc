# SPDX-License-Identifier: BSD-2-Clause
#
# A Django site with its admin, on gunicorn behind proxy_pass and on uWSGI behind
# uwsgi_pass, configured as their documentation says: logging in, forms with their
# tokens, uploads, downloads that the server hands out, static files, streams.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use JSON::PP qw(decode_json);
use Weir::Program;
use Weir::Test qw(:DEFAULT slow);
use Weir::TLS;

need_module('http_uwsgi');
need_tls();
need_program('gunicorn');
need_program('uwsgi');
# That of Debian, as of gunicorn, and not another one in $PATH.
my $python = (grep { -x } '/usr/bin/python3', Weir::Program::path('python3') // ())[0];
plan skip_all => 'no Django: sh auto/deps test installs it'
    if !$python || system("$python -c 'import django' 2>/dev/null") != 0;

my $t = Weir::Test->new;
my ($port, $data) = ($t->port('app'), "$FindBin::Bin/data/django");
my %env = (APP_ROOT => $t->mkdir('app'), PYTHONDONTWRITEBYTECODE => 1);
my $socket = $t->path('app/uwsgi.sock');

chmod 0755, $t->dir;
$t->mkdir("app/$_") for qw(media reports);
$t->write('app/reports/may.csv', join '', map { "$_;a\n" } 1 .. 3000);
$t->write('app/500.html', 'sorry');
{
    local @ENV{ keys %env } = values %env;
    system($python, "$data/shop.py") == 0 or die "no database\n";
}
Weir::TLS->new($t)->issue('shop', names => ['shop.test']);

my @programs = (Weir::Program->new(
    command => ['gunicorn', '--chdir', $data, '-k', 'gthread', '--threads', 8, '-b',
                "127.0.0.1:$port", 'shop:application'],
    ports => [$port], log => $t->path('gunicorn.log'), env => \%env),
    Weir::Program->new(
    command => ['uwsgi', '--plugin', 'python3', '--master', '--enable-threads',
                '--threads', 8, '--need-app', '--die-on-term', '--disable-logging',
                '--socket', $socket, '--chmod-socket=666', '--chdir', $data, '--module',
                'shop:application'],
    ports => [], log => $t->path('uwsgi.log'), env => \%env));
wait_until(sub { -S $socket && $t->read('uwsgi.log') =~ /spawned uWSGI worker 1/ }, slow(20))
    or die "uwsgi does not start\n";

sub server {
    my ($listen, $pass, $more) = @_;

    return <<"EOC";
    server {
        listen 127.0.0.1:$listen;
        server_name shop.test;
        charset utf-8;
        client_max_body_size 10M;
        keepalive_timeout 5;
        error_page 500 502 503 504 /500.html;
        $more
        location /static/ { alias %%TESTDIR%%/app/static/; expires 30d; }
        location /media { alias %%TESTDIR%%/app/media; }
        location /protected/ { internal; alias %%TESTDIR%%/app/reports/; }
        location = /500.html { root %%TESTDIR%%/app; }
        location / { $pass }
    }
EOC
}

$t->write('uwsgi_params', Weir::Test::slurp("$FindBin::Bin/../conf/uwsgi_params"));
my $proxy = <<'EOC';
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Host $http_host;
            proxy_redirect off;
            proxy_pass http://app_server;
EOC
my $uwsgi = "uwsgi_pass django; include uwsgi_params;"
    . ' uwsgi_param HTTP_X_FORWARDED_PROTO $scheme if_not_empty;';
my $tls = "ssl_certificate tls/shop.pem; ssl_certificate_key tls/shop.key;";
$t->run(<<"EOC" . server('%%PORT%%', $proxy, '')
%%HTTP%%
    types { text/html html; text/css css; application/javascript js; image/svg+xml svg; text/plain txt; }
    upstream app_server { server 127.0.0.1:$port fail_timeout=0; }
    upstream django { server unix://$socket; }
    server { listen 127.0.0.1:%%PORT%% default_server; return 444; }
EOC
    . server('%%PORT_uwsgi%%', $uwsgi, '') . server('%%PORT_https%% ssl', $proxy, $tls)
    . server('%%PORT_suwsgi%% ssl', $uwsgi, $tls) . "}\n");

# A browser as far as cookies, forms and links go.
sub ask {
    my ($b, $method, $uri, %opt) = @_;
    my %jar = %{ $b->{jar} };

    push @{ $opt{headers} }, Cookie => join '; ', map { "$_=$jar{$_}" } sort keys %jar if %jar;
    my $r = $t->request($method, $uri, port => $b->{port}, host => 'shop.test', %opt);
    for ($r->headers('Set-Cookie')) {
        $b->{jar}{$1} = $2 if /^(\w+)=([^;]*)/;
    }
    ($b->{token}) = $r->body =~ /name="csrfmiddlewaretoken" value="(\w+)"/ if $r->body =~ /csrfmid/;
    return $r;
}

sub form {
    my ($b, $uri, @fields) = @_;
    my $body = "csrfmiddlewaretoken=$b->{token}&" . join '&', @fields;

    return ask($b, 'POST', $uri, body => $body, headers => [
        'Content-Type' => 'application/x-www-form-urlencoded']);
}

sub went { return $_[0]->status . ' ' . ($_[0]->header('Location') // '') }

for my $name ('gunicorn', 'uwsgi') {
    my $b = { jar => {}, port => $name eq 'uwsgi' ? $t->port('uwsgi') : $t->port };

    # ---- the admin

    is went(ask($b, 'GET', '/admin')), '301 /admin/', "$name: a slash";
    is went(ask($b, 'GET', '/admin/')), '302 /admin/login/?next=/admin/', "$name: not logged in";
    my $r = ask($b, 'GET', '/admin/login/?next=/admin/');
    is $r->header('Content-Type'), 'text/html; charset=utf-8', "$name: the form";
    my @files = $r->body =~ m{"(/static/[^"]+)"}g;
    cmp_ok scalar(@files), '>', 2, "$name: its static files";
    for my $uri (@files) {
        my $file = ask($b, 'GET', $uri);
        is md5_hex($file->body), md5_hex($t->read("app$uri")), "$name: $uri";
        like $file->header('Content-Type'), $uri =~ /css$/ ? qr{^text/css} : qr{javascript},
            '... its type';
        is ask($b, 'GET', $uri, headers => ['If-None-Match' => $file->header('ETag')])->status, 304,
            '... is not sent again';
    }
    is form($b, '/admin/login/?next=/admin/', 'username=anna', 'password=wrong')->status, 200,
        "$name: a wrong password";
    is went(form($b, '/admin/login/?next=/admin/', 'username=anna', 'password=secret')),
        '302 /admin/', "$name: logged in";
    like ask($b, 'GET', '/admin/')->body, qr/Welcome,\s*<strong>anna/, "$name: welcome";
    ask($b, 'GET', '/admin/auth/group/add/');
    is went(form($b, '/admin/auth/group/add/', 'name=Caf%C3%A9+%26+more', '_save=Save')),
        '302 /admin/auth/group/', "$name: a group is added";
    $r = ask($b, 'GET', '/admin/auth/group/?q=caf&o=-1');
    like $r->body, qr{class="success">.*Caf\xc3\xa9 &amp; more}, "$name: ... and listed";
    my ($change) = $r->body =~ m{href="(/admin/auth/group/\d+/change/)[?"]};
    $r = ask($b, 'GET', $change // '/');
    is $r->status, 200, "$name: ... it can be changed";
    is went(form($b, $change =~ s/change/delete/r, 'post=yes')), '302 /admin/auth/group/',
        "$name: ... and deleted";
    is ask({ %$b, token => 'x' x 64 }, 'POST', '/admin/auth/group/add/', body => 'name=x')->status,
        403, "$name: no token";
    is went(ask($b, 'GET', '/admin/jsi18n/none')), '404 ', "$name: no such page";
    like ask($b, 'GET', '/admin/logout/')->body, qr/Logged out/, "$name: logged out";

    # ---- what the application receives

    for my $case (['GET'], ['HEAD'], ['PUT', body => 'x' x 100_000], ['DELETE'],
                  ['POST', chunks => ['one', 'two' x 30_000]]) {
        my ($method, @body) = @$case;
        $r = ask($b, $method, '/facts/a%20b%2Fc/%C3%A9?x=1&y=%20', @body, host => 'shop.test:80',
                 headers => ['X-Some' => 'v', 'X-Forwarded-Proto' => 'https',
                             'Content-Type' => 'application/x-any']);
        is($r->status . $r->body, 200, "$name: HEAD"), next if $method eq 'HEAD';
        my $got = decode_json($r->body);
        my $sent = $method eq 'PUT' ? 'x' x 100_000 : $method eq 'POST' ? 'one' . 'two' x 30_000 : '';
        is $got->{body}, length($sent) . ' ' . md5_hex($sent), "$name: $method";
        is $got->{url}, 'http://shop.test:80/facts/a%20b/c/%C3%A9?x=1&y=%20', '... the URL';
        is join(',', map { $_ // '-' } @{ $got->{meta} }{qw(REQUEST_METHOD QUERY_STRING CONTENT_TYPE
                SCRIPT_NAME HTTP_X_SOME HTTP_X_FORWARDED_PROTO HTTP_HOST)}),
            "$method,x=1&y=%20,application/x-any,,v,http,shop.test:80", '... what else';
    }
    is $t->get('/page/1/', port => $b->{port}, host => 'other.test')->status,
        $name eq 'uwsgi' ? 400 : 0, "$name: another host";

    # ---- files

    ask($b, 'GET', '/upload/');
    my $file = join '', map { pack 'N', $_ } 1 .. 1_000_000;
    my $body = "--b\r\nContent-Disposition: form-data; name=csrfmiddlewaretoken\r\n\r\n$b->{token}\r\n"
        . "--b\r\nContent-Disposition: form-data; name=file; filename=\"$name.bin\"\r\n\r\n$file\r\n--b--\r\n";
    my @type = (headers => ['Content-Type' => 'multipart/form-data; boundary=b']);
    is went(ask($b, 'POST', '/upload/', body => $body, @type)), "302 /media/$name.bin",
        "$name: an upload";
    is md5_hex(ask($b, 'GET', "/media/$name.bin")->body), md5_hex($file), "$name: ... is there";
    is ask($b, 'GET', "/media/$name.bin", headers => [Range => 'bytes=-4'])->body,
        pack('N', 1_000_000), "$name: ... its end";
    is ask($b, 'POST', '/upload/', body => 'x' x (11 << 20), @type)->status, 413,
        "$name: too large";
    $r = ask($b, 'GET', '/report/may.csv/');
    is join(',', $r->header('Content-Type'), $r->header('Content-Disposition'), $r->headers('ETag') + 0,
            $b->{jar}{seen}, md5_hex $r->body),
        join(',', 'text/csv', 'attachment; filename="may.csv"', 1, 'may.csv',
             md5_hex $t->read('app/reports/may.csv')), "$name: a download";
    is ask($b, 'GET', '/report/none.csv/')->status, 404, "$name: a file that is not there";
    is ask($b, 'GET', '/protected/may.csv')->status, 404, "$name: nothing from outside";

    # ---- responses

    $r = ask($b, 'GET', '/page/7/');
    is $r->body, "page 7\n" x 500, "$name: a page";
    my $etag = $r->header('ETag');
    $r = ask($b, 'GET', '/page/7/', headers => ['If-None-Match' => $etag]);
    is join(',', $r->status, $r->header('ETag'), $r->body), "304,$etag,", "$name: not modified";
    $r = ask($b, 'HEAD', '/page/7/');
    is join(',', $r->status, $r->header('Content-Length'), $r->body), '200,3500,', "$name: HEAD";
    # gunicorn sends its body all the same.
    is scalar(grep { ask($b, 'HEAD', '/page/7/')->status == 200
                     && ask($b, 'GET', '/page/8/')->body eq "page 8\n" x 500 } 1 .. 20),
        20, "$name: ... and what follows it";
    $r = ask($b, 'GET', '/broken/');
    is $r->status, 500, "$name: an exception";
    like $r->body, qr/Server Error/, "$name: ... with the page of the application";
    my $c = $t->connect(port => $b->{port});
    $c->send_request('GET', '/stream/', host => 'shop.test');
    ok defined $c->read_until(qr/first\n/), "$name: a stream";
    $t->write('app/go', '');
    ok defined $c->read_until(qr/last\n/), "$name: ... its end";
    unlink $t->path('app/go');

    # ---- TLS

    my $base = 'https://shop.test:' . $t->port($name eq 'uwsgi' ? 'suwsgi' : 'https');
    my ($text) = curl("$base/facts/x");
    is decode_json($text)->{url}, "$base/facts/x", "$name: the application knows of TLS";
    my $jar = $t->path('jar');
    ($text) = curl("$base/upload/", '-c', $jar);
    my ($token) = $text =~ /value="(\w+)"/;
    for my $case (["$base/upload/", 302], ['https://evil.test/', 403]) {
        my (undef, $status) = curl("$base/upload/", '-b', $jar, '-e', $case->[0], '-F',
            "csrfmiddlewaretoken=$token", '-F', "file=\@$env{APP_ROOT}/500.html");
        is $status, $case->[1], "$name: a form from $case->[0]";
    }
}

unlink $socket;
$t->expect_log(qr/connect\(\) to unix:/);
my $r = $t->get('/admin/', port => $t->port('uwsgi'), host => 'shop.test');
is $r->status . $r->body, '502sorry', 'the application is away';

done_testing;
