# SPDX-License-Identifier: BSD-2-Clause
#
# A Flask application under a prefix, on gunicorn with X-Forwarded-Prefix and on
# uWSGI with a mount, each as its documentation says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use JSON::PP qw(decode_json);
use Weir::Program;
use Weir::Test qw(:DEFAULT slow);

need_module('http_uwsgi');
need_program('gunicorn');
need_program('uwsgi');
# That of Debian, as of gunicorn, and not another one in $PATH.
my $python = (grep { -x } '/usr/bin/python3', Weir::Program::path('python3') // ())[0];
plan skip_all => 'no Flask: sh auto/deps test installs it'
    if !$python || system("$python -c 'import flask' 2>/dev/null") != 0;

my $t = Weir::Test->new;
my ($port, $uwsgi_port, $data) = ($t->port('app'), $t->port('uwsgi_app'), "$FindBin::Bin/data/flask");
my %env = (APP_ROOT => $t->mkdir('app'), PYTHONDONTWRITEBYTECODE => 1);

chmod 0755, $t->dir;
$t->mkdir('app/files');
$t->write('app/static/style.css', "body {}\n" x 100);
Weir::Program->new(
    command => ['gunicorn', '--chdir', $data, '-k', 'gthread', '--threads', 8, '-b', "127.0.0.1:$port",
                'notes:app'],
    ports => [$port], log => $t->path('gunicorn.log'), env => { %env, BEHIND_PROXY => 1 });
Weir::Program->new(
    command => ['uwsgi', '--plugin', 'python3', '--master', '--threads', 8, '--need-app', '--die-on-term',
                '--disable-logging', '--socket', "127.0.0.1:$uwsgi_port", '--chdir', $data,
                '--manage-script-name', '--mount', '/notes=notes:app'],
    ports => [$uwsgi_port], log => $t->path('uwsgi.log'), env => \%env);
$t->write('uwsgi_params', Weir::Test::slurp("$FindBin::Bin/../conf/uwsgi_params"));

$t->run(<<"EOC");
%%HTTP%%
    types { text/css css; }
    client_max_body_size 8m;
    upstream flask { server 127.0.0.1:$port; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name notes.test;
        location = /notes { return 308 /notes/; }
        location /notes/static/ { alias %%TESTDIR%%/app/static/; }
        location /notes/ {
            proxy_pass http://flask/;
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto \$scheme;
            proxy_set_header X-Forwarded-Host \$http_host;
            proxy_set_header X-Forwarded-Prefix /notes;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_uwsgi%%;
        server_name notes.test;
        root %%TESTDIR%%/app/html;
        location = /notes { rewrite ^ /notes/; }
        location /notes { try_files \$uri \@notes; }
        location \@notes {
            include uwsgi_params;
            # The body has been decoded, which Flask would not believe.
            uwsgi_param HTTP_TRANSFER_ENCODING "";
            uwsgi_pass 127.0.0.1:$uwsgi_port;
        }
    }
}
EOC

for my $name ('gunicorn', 'uwsgi') {
    my @at = (port => $name eq 'uwsgi' ? $t->port('uwsgi') : $t->port, host => 'notes.test:8080');
    my %jar;

    my $ask = sub {
        my ($method, $uri, %opt) = @_;
        push @{ $opt{headers} }, Cookie => join '; ', map { "$_=$jar{$_}" } keys %jar if %jar;
        my $r = $t->request($method, $uri, @at, %opt);
        for ($r->headers('Set-Cookie')) { $jar{$1} = $2 if /^(\w+)=([^;]*)/ }
        return $r;
    };

    my $r = $ask->('GET', '/notes');
    is $r->status, $name eq 'uwsgi' ? 200 : 308, "$name: without the slash";
    $r = $ask->('GET', '/notes/');
    my ($style) = $r->body =~ /href="([^"]+)"/;
    my ($action) = $r->body =~ /action="([^"]+)"/;
    is "$style $action", '/notes/static/style.css /notes/add', "$name: links have the prefix";
    $r = $ask->('GET', $style);
    is $r->header('Content-Type') =~ s/;.*//r . md5_hex($r->body), 'text/css' . md5_hex("body {}\n" x 100),
        "$name: a static file";
    my @type = (headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
    for my $note ('one', 'Gr%C3%BC%C3%9Fe') {
        $r = $ask->('POST', $action, body => "note=$note", @type);
        is $r->status . $r->header('Location'), '302/notes/', "$name: a note";
    }
    $r = $ask->('GET', '/notes/');
    like $r->body, qr{<b>added</b>.*>one, Gr\xc3\xbc\xc3\x9fe<}s, "$name: ... both are there";

    my $file = 'f' x 3_000_000;
    $r = $ask->('POST', '/notes/file', headers => ['Content-Type' => 'multipart/form-data; boundary=b'],
        body => "--b\r\nContent-Disposition: form-data; name=file; filename=$name.bin\r\n\r\n$file\r\n--b--\r\n");
    is $r->status . $r->header('Location'), "303http://notes.test:8080/notes/file/$name.bin",
        "$name: an upload";
    $r = $ask->('GET', "/notes/file/$name.bin");
    is md5_hex($r->body), md5_hex($file), "$name: a download";
    like $r->header('Content-Disposition'), qr/attachment; filename=$name\.bin/, '... its name';
    is $ask->('GET', "/notes/file/$name.bin", headers => ['If-None-Match' => $r->header('ETag')])->status,
        304, '... is not sent again';
    $r = $ask->('GET', "/notes/file/$name.bin", headers => [Range => 'bytes=10-19']);
    is join(',', $r->status, $r->header('Content-Range'), $r->body), '206,bytes 10-19/3000000,ffffffffff',
        '... a part of it';

    for my $case (['GET'], ['PUT', body => 'x' x 50_000], ['POST', chunks => ['a' x 40_000, 'b']], ['DELETE']) {
        my ($method, %body) = @$case;
        my $sent = $body{body} // join '', @{ $body{chunks} // [] };
        my $got = decode_json($ask->($method, '/notes/facts?q=%C3%A9&r=a+b', %body)->body);
        is join(' ', @$got{qw(method url root path body addr)}), join(' ', $method,
            'http://notes.test:8080/notes/facts?q=%C3%A9&r=a+b' =~ s/%C3%A9/\xe9/r, '/notes', '/facts',
            length($sent), md5_hex($sent), '127.0.0.1'), "$name: $method";
    }

    $r = $ask->('GET', '/notes/etag');
    my $etag = $r->header('ETag');
    for my $method ('GET', 'HEAD') {
        $r = $ask->($method, '/notes/etag', headers => ['If-None-Match' => $etag]);
        is join(',', $r->status, $r->header('ETag'), $r->body), "304,$etag,", "$name: $method, not modified";
    }
    $r = $ask->('HEAD', '/notes/etag');
    is join(',', $r->status, $r->header('Content-Length')), '200,2100', "$name: HEAD";
    is $ask->('GET', '/notes/refused')->status, 403, "$name: refused";
    is $ask->('GET', '/notes/none')->status, 404, "$name: no such page";
    is $ask->('POST', '/notes/facts', body => 'x' x (9 << 20))->status, 413, "$name: too large";

    my $c = $t->connect(port => $at[1]);
    $c->send_request('GET', '/notes/stream', host => 'notes.test');
    ok defined $c->read_until(qr/data: first\n\n/), "$name: a stream";
    $t->write('app/go', '');
    ok defined $c->read_until(qr/data: last\n\n/), "$name: ... its end";
    unlink $t->path('app/go');
}

done_testing;
