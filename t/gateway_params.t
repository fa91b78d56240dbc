# SPDX-License-Identifier: BSD-2-Clause
#
# What applications receive, held against what they receive through an nginx on
# this machine with the same configuration and the same requests: PHP-FPM by
# FastCGI, uWSGI by uwsgi and by SCGI, gunicorn by HTTP.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::PHP;
use Weir::Program;
use Weir::Test;

my $nginx = Weir::Program::path('nginx');
plan skip_all => 'no nginx to compare with' if is_oracle() || !$nginx;
need_module('http_fastcgi');
need_module('http_uwsgi');
need_module('http_scgi');
need_program($_) for qw(uwsgi gunicorn);
need_php();

my $t = Weir::Test->new;
chmod 0755, $t->dir;
$t->write('html/params.php', <<'EOP', mode => 0644);
<?php header('Content-Type: text/plain');
ksort($_SERVER);
foreach ($_SERVER as $name => $value)
    if (is_string($value) && substr($name, 0, 12) != 'REQUEST_TIME')
        echo "$name=$value\n";
echo 'body=', md5(file_get_contents('php://input')), "\n";
EOP
chmod 0755, $t->path('html');
my $php = Weir::PHP->new($t);
my ($uwsgi, $scgi, $gunicorn) = map { $t->port($_) } qw(uwsgi scgi gunicorn);
my @app = ('--wsgi-file', "$FindBin::Bin/data/wsgi/app.py");
my @programs = (
    Weir::Program->new(
        command => ['uwsgi', '--plugin', 'python3', '--master', '--need-app',
                    '--die-on-term', '--disable-logging',
                    '--post-buffering', 8192, # it is read in any case
                    '--socket', "127.0.0.1:$uwsgi",
                    '--scgi-socket', "127.0.0.1:$scgi", @app],
        ports => [$uwsgi, $scgi], log => $t->path('uwsgi.log'), dir => $t->dir),
    Weir::Program->new(
        command => ['gunicorn', '--bind', "127.0.0.1:$gunicorn", '--chdir',
                    "$FindBin::Bin/data/wsgi", 'app:application'],
        ports => [$gunicorn], log => $t->path('gunicorn.log'), dir => $t->dir));

$t->write($_, Weir::Test::slurp("$FindBin::Bin/../conf/$_"))
    for qw(fastcgi_params fastcgi.conf uwsgi_params scgi_params);
my ($socket, $port) = ($php->socket, $php->port);
my $servers = <<"EOC";
    upstream kept { server unix:$socket; keepalive 2; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name a.test;
        root %%TESTDIR%%/html;
        location ~ ^(/params\\.php)(/.*)?\$ {
            fastcgi_split_path_info ^(.+?\\.php)(/.*)\$;
            include fastcgi.conf;
            fastcgi_param PATH_INFO \$fastcgi_path_info;
            fastcgi_pass unix:$socket;
        }
        location /tcp/ {
            include fastcgi_params;
            fastcgi_param SCRIPT_FILENAME \$document_root/params.php;
            fastcgi_param HTTP_X_SOME hidden;
            fastcgi_param EMPTY "" if_not_empty;
            fastcgi_param JOINED "\$request_method \$uri";
            fastcgi_pass 127.0.0.1:$port;
        }
        location /kept/ {
            include fastcgi_params;
            fastcgi_param SCRIPT_FILENAME \$document_root/params.php;
            fastcgi_pass_request_headers off;
            fastcgi_param HTTP_HOST \$http_host; # as nginx has it since 1.29.5
            fastcgi_keep_conn on;
            fastcgi_pass kept;
        }
        location /uwsgi/ {
            include uwsgi_params;
            uwsgi_param HTTP_X_OTHER "";
            uwsgi_pass 127.0.0.1:$uwsgi;
        }
        location /scgi/ {
            include scgi_params;
            scgi_param PATH_INFO \$document_uri;
            scgi_pass 127.0.0.1:$scgi;
        }
        location /http/ {
            proxy_set_header Host \$http_host;
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto \$scheme;
            proxy_http_version 1.0;
            proxy_set_header Connection close;
            proxy_pass http://127.0.0.1:$gunicorn;
        }
    }
EOC
$t->run("%%HTTP%%\n$servers}\n");

# The other one, with the same servers.
my $other = $t->port('other');
my $dir = $t->dir;
my $temp = join ' ', map { "${_}_temp_path $dir/other-$_;" }
    qw(client_body proxy fastcgi uwsgi scgi);
my $conf = "daemon off; master_process off; pid $dir/other.pid;\n"
    . ($> == 0 ? "user root;\n" : '')
    . "error_log $dir/other.log; events {}\nhttp {\n access_log off; $temp\n$servers}\n";
$conf =~ s/%%PORT%%/$other/;
$conf =~ s/%%TESTDIR%%/$dir/g;
$t->write('other.conf', $conf);
push @programs, Weir::Program->new(
    command => ['nginx', '-p', $dir, '-c', $t->path('other.conf')],
    ports => [$other], log => $t->path('other.out'), dir => $dir);

# What differs by itself.
sub same {
    my ($body) = @_;

    $body =~ s/^(REMOTE_PORT|SERVER_PORT)=\d+$/$1=N/mg;
    $body =~ s{^(SERVER_SOFTWARE)=(nginx|weir)/.*$}{$1=nginx}mg;
    return [split /\n/, $body];
}

my @requests = (
    [GET => '?a=1&b=%20%2f'],
    [GET => '/some/p%61th/..%2fx?q', headers => ['X-Some' => 'v', Cookie => 'a=b; c=d']],
    [GET => '', headers => ['X-Other' => '', Accept => '*/*', 'X-A_b' => 'no']],
    [HEAD => '?x'],
    [POST => '/x', body => 'a=1&b=2',
     headers => ['Content-Type' => 'application/x-www-form-urlencoded']],
    [POST => '', body => 'x' x 100_000, headers => ['Content-Type' => 'a/b']],
    [PUT => '/%C3%A4', body => ''],
    [DELETE => '/x'],
    [GET => '', headers => ['User-Agent' => 'x' x 500, 'X-Long' => 'y' x 300]],
);

for my $to ('/params.php', '/tcp/', '/kept/', '/uwsgi/', '/scgi/', '/http/') {
    for my $request (@requests) {
        my ($method, $tail, %opt) = @$request;
        my ($name, @got) = ("$method $to$tail");
        next if $to eq '/http/' && length($opt{body} // '') > 1000; # not read

        for my $at ($t->port, $other) {
            my $r = $t->request($method, "$to$tail", port => $at, %opt,
                                host => 'a.test:81');
            push @got, [$r->status, same($r->body)];
        }
        is $got[1][0], 200, "$name: answered";
        is_deeply $got[0], $got[1], '... and received alike'
            or diag join "\n", @{ $got[0][1] }, '-- nginx:', @{ $got[1][1] };
    }
}

done_testing;
