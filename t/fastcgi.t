# SPDX-License-Identifier: BSD-2-Clause
#
# FastCGI: what an application is sent (parameters, bodies, records), what
# becomes of its answers and of its standard error, connections that are kept,
# which script is asked, and the configurations that are refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::FastCGI;
use Weir::Test;

need_module('http_fastcgi');

my $text = "Content-Type: text/plain\r\n\r\n";

# What the query says; the parameters, if nothing.
my %answers = (
    big => sub { answer($text . 'x' x 300_000, size => 50_000) },
    padded => sub {
        fcgi_record(6, "${text}he", padding => 7) . fcgi_record(6, 'llo', padding => 255)
            . out_record('') . end_record();
    },
    log => sub {
        err_record("PHP message: one.\n") . out_record("${text}a")
            . err_record("two\r\n") . out_record('b') . out_record('')
            . end_record();
    },
    fatal => sub { err_record("PHP Fatal error: no\n") . answer("${text}a") },
    digest => sub { answer($text . md5_hex($_[0]{body})) },
    created => sub { answer("Status: 201 Made Here\r\nLocation: /n\r\n\r\n") },
    own => sub {
        answer("Server: app\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\n$text");
    },
    no => sub { answer("Status: 404 Not Found\r\n${text}own page") },
);

sub tell {
    my ($request) = @_;
    my $name = $request->{params}{QUERY_STRING} // '';

    return $answers{$name}->($request) if $answers{$name};
    return answer($text . join '', map { "$_->[0]=$_->[1]\n" }
                  @{ $request->{list} });
}

my $t = Weir::Test->new;
my $app = Weir::FastCGI->new(\&tell);
my $local = Weir::FastCGI->new(\&tell, unix => $t->path('app.sock'));
my ($up, $dead, $socket) = ($app->port, $t->port('dead'), $t->path('app.sock'));

$t->write('html/known.txt', 'static');
chmod 0777, $t->mkdir('store');
$t->run(<<"EOC");
%%HTTP%%
    client_max_body_size 0;
    underscores_in_headers on;
    large_client_header_buffers 8 64k;
    fastcgi_param QUERY_STRING \$query_string;
    log_format length '\$upstream_response_length';
    upstream kept { server 127.0.0.1:$up; keepalive 2; }
    upstream two { server 127.0.0.1:$up max_fails=0;
                   server unix:$socket max_fails=0 backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { fastcgi_pass 127.0.0.1:$up; }
        location /unix { fastcgi_pass unix:$socket; }
        location /log { fastcgi_pass unix:$socket;
                        access_log %%TESTDIR%%/length.log length; }
        location /keep { fastcgi_pass kept; fastcgi_keep_conn on; }
        location /catch {
            fastcgi_pass two;
            fastcgi_catch_stderr "PHP Fatal";
            fastcgi_next_upstream invalid_header;
            add_header X-Tried \$upstream_status always;
        }
        location /own {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_param ONE 1;
            fastcgi_param EMPTY "";
            fastcgi_param GONE "" if_not_empty;
            fastcgi_param MAYBE \$arg_maybe if_not_empty;
            fastcgi_param HTTP_X_MINE mine;
            fastcgi_param HTTP_X_SECRET "";
            fastcgi_param ONE 2;
        }
        location /alone {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_pass_request_headers off;
            fastcgi_param ONE 1;
        }
        location /long {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_param LONG @{['l' x 127]};
            fastcgi_param LONGER @{['l' x 128]};
        }
        location /length {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_request_buffering off;
            fastcgi_param CONTENT_LENGTH \$content_length;
            fastcgi_param QUERY_STRING \$query_string;
        }
        location /page {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_intercept_errors on;
            error_page 404 /known.txt;
        }
        location = /known.txt { }
        location /store {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_store %%TESTDIR%%/store/kept;
        }
        location /small {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_buffers 2 4k;
            fastcgi_busy_buffers_size 4k;
            limit_rate 2m;
        }
        location ~ \\.php {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_index index.php;
            fastcgi_split_path_info ^(.+?\\.php)(/.*)\$;
            fastcgi_param SCRIPT_NAME \$fastcgi_script_name;
            fastcgi_param PATH_INFO \$fastcgi_path_info;
        }
        location /dir/ {
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_index start.php;
            fastcgi_param SCRIPT_NAME \$fastcgi_script_name;
        }
        location /var { fastcgi_pass \$arg_to; }
    }
}
EOC

sub body_of { return $t->get(@_)->body }

# ---- parameters

is body_of('/own', headers => ['X-Mine' => 'c', 'X-Secret' => 'c',
                               'Accept-Language' => 'de'], close => 1),
    "ONE=1\nEMPTY=\nHTTP_X_MINE=mine\nONE=2\n"
    . "HTTP_HOST=localhost\nHTTP_CONNECTION=close\nHTTP_ACCEPT_LANGUAGE=de\n",
    'parameters in their order, and headers that none of them replaces'
    if !is_oracle();
like body_of('/own?maybe=1'), qr/^EMPTY=\nMAYBE=1\nHTTP_X_MINE=mine\n/m,
    'if_not_empty with a value';
SKIP: {
    skip_before('1.31.5', 'joined headers, HTTP_HOST, long names', 4);
    is body_of('/alone', headers => ['X-A' => 1]),
        "ONE=1\nHTTP_HOST=localhost\n",
        'HTTP_HOST alone without the headers of the client';
    is body_of('/own?', host => 'a.test:81', close => 1, headers => [
        'X-A' => 1, Cookie => 'a=1', 'x-a' => 2, Cookie => 'b=2', X_A => 3]),
        "ONE=1\nEMPTY=\nHTTP_X_MINE=mine\nONE=2\nHTTP_HOST=a.test:81\n"
        . "HTTP_CONNECTION=close\nHTTP_X_A=1, 2\nHTTP_COOKIE=a=1; b=2\n"
        . "HTTP_X_A=3\n", 'headers of a name are one parameter';
    my @big = map { ("X-$_" => $_ x 50_000) } 'a' .. 'c';
    is md5_hex(join '', $t->get('/', headers => \@big)->body =~ /^HTTP_X_.*/mg),
        md5_hex(join '', map { "HTTP_X_\U$_\E=" . $_ x 50_000 } 'a' .. 'c'),
        'more parameters than a record takes';
    is scalar(grep { $_->[0] == 4 } @{ ($app->requests)[-1]{records} }), 4,
        'in several records';
}
like body_of('/long'), qr/^LONG=l{127}\nLONGER=l{128}\n/,
    'lengths of one byte and of four';

# ---- bodies

for my $n (0, 1, 5, 65_527, 65_528, 65_529, 1_000_000) {
    my $body = join '', map { pack 'C', $_ * 7 & 255 } 1 .. $n;
    is $t->request('POST', '/?digest', body => $body)->body, md5_hex($body),
        "a body of $n bytes";
}
is $t->request('POST', '/length?digest', body => 'x' x 100_000)->body,
    md5_hex('x' x 100_000), 'passed on as it comes';
like $t->request('POST', '/length', chunks => ['abc', 'de'])->body,
    qr/^CONTENT_LENGTH=5\n/,
    'a body of unknown length is read first, for its length';
is $t->request('POST', '/length?digest', chunks => ['abc', 'de'])->body,
    md5_hex('abcde'), '... and sent';
is_deeply [map { $_->[0] } @{ ($app->requests)[-1]{records} }],
    [1, 4, 4, 5, 5], 'the records of a request';

# ---- answers

is length body_of('/?big'), 300_000, 'an answer in several records';
is length body_of('/small?big'), 300_000, '... through a file';
is body_of('/?padded'), 'hello', 'padding is left out';
my $r = $t->request('HEAD', '/?big');
is $r->status . length($r->body), '2000', 'HEAD has no body';
$r = $t->get('/?created');
is $r->status . $r->reason, '201Made Here', 'Status with its text';
is $r->header('Location'), '/n', '... keeps its Location';
$r = $t->get('/?own');
is $r->header('Server') . ', ' . $r->header('Date'),
    'app, Thu, 01 Jan 1970 00:00:01 GMT', 'Server and Date pass';
isnt $t->get('/')->header('Date'), undef, '... and are ours otherwise';
is body_of('/page?no'), 'static', 'fastcgi_intercept_errors';
is body_of('/?no'), 'own page', '... is off by default';
$t->get('/store');
like $t->read('store/kept'), qr/^QUERY_STRING=\n/, 'fastcgi_store';

# ---- standard error

is body_of('/log?log'), 'ab', 'an answer with messages between';
ok wait_until(sub { $t->read('error.log') =~ /"two"/ }, 5);
like $t->read('error.log'), qr{\[error\].*\bFastCGI\ sent\ in\ stderr:
    \ "PHP\ message:\ one"\ while\ reading\ response\ header\ from\ upstream,
    \ client:\ 127\.0\.0\.1,.*upstream:\ "fastcgi://unix:\Q$socket\E:"}x,
    'a message before the head, logged';
like $t->read('error.log'), qr/FastCGI sent in stderr: "two" while reading u/,
    'a message in the body';
ok wait_until(sub { $t->read('length.log') eq "47\n" }, 5),
    '$upstream_response_length is without what came before the body'
    or diag $t->read('length.log');
is $t->get('/catch?fatal')->header('X-Tried'), '502, 502',
    'fastcgi_catch_stderr tries the next one';
is $t->get('/catch?log')->header('X-Tried'), '200', '... only for its text';

# ---- kept connections

my $before = $app->connections;
like body_of('/keep'), qr/HTTP_HOST/, "a kept connection, $_" for 1 .. 5;
is $app->connections - $before, 1, 'five requests over one connection';
is(($app->requests)[-1]{keep}, 1, 'which the application was asked to keep');
$before = $app->connections;
body_of('/') for 1 .. 2;
is $app->connections - $before, 2, 'a new connection for each without it';

# ---- scripts

like body_of('/a.php/b/c'), qr{^SCRIPT_NAME=/a\.php\nPATH_INFO=/b/c\n},
    'fastcgi_split_path_info';
like body_of('/x.phpx'), qr{^SCRIPT_NAME=/x\.phpx\nPATH_INFO=\n},
    '... without a match';
like body_of('/dir/sub/'), qr{^SCRIPT_NAME=/dir/sub/start\.php\n},
    'fastcgi_index';
SKIP: {
    skip 'nginx finds no match in a path with a line break', 2 if is_oracle();
    like body_of('/a.php/b%0Ac'), qr{^SCRIPT_NAME=/a\.php\nPATH_INFO=/b\nc\n},
        'a line break in the path';
    like body_of('/a%0A.php/b%0A'),
        qr{^SCRIPT_NAME=/a\n\.php\nPATH_INFO=/b\n\n}, '... and in the name';
}

# ---- targets

like body_of("/var?to=127.0.0.1:$up"), qr/HTTP_HOST/, 'an address by variable';
like body_of('/var?to=kept'), qr/HTTP_HOST/, 'a group by variable';
is $t->get('/var')->status, 500, 'no address by variable';
like body_of('/unix'), qr/HTTP_HOST/, 'a socket in the file system';

# ---- explanations

SKIP: {
    skip 'a command of weir', 1 if is_oracle();
    my ($code, $out) = run_binary('explain', 'http://a.test:' . $t->port
        . '/a.php/b', '-c', $t->path('nginx.conf'), '-p', $t->dir);
    like $out, qr{asks\ fastcgi://127\.0\.0\.1:$up\s.*\n
        \s+>\ SCRIPT_NAME:\ /a\.php\n\s+>\ PATH_INFO:\ /b\n}x,
        'explain shows the parameters as text' or diag $out;
}

# ---- configurations

my @wrong = (
    ['location / { fastcgi_pass http://127.0.0.1; }',
     'invalid host in upstream "http://127.0.0.1"'],
    ['location / { fastcgi_split_path_info ^(.+)$; }',
     'pattern "^(.+)$" must have 2 captures'],
    ['fastcgi_param A b c;', 'invalid parameter "c"'],
    ['fastcgi_param A;',
     'invalid number of arguments in "fastcgi_param" directive'],
    ['fastcgi_buffers 1 4k;', 'there must be at least 2 "fastcgi_buffers"'],
    ['fastcgi_pass 127.0.0.1:1;', '"fastcgi_pass" directive is not allowed'],
    ['fastcgi_keep_conn on; fastcgi_keep_conn on;',
     '"fastcgi_keep_conn" directive is duplicate'],
);
for my $case (@wrong) {
    my ($conf, $error) = @$case;
    my $file = $t->write('wrong.conf', "events {}\nhttp { server { $conf } }\n");
    my ($code, $out, $err) = run_binary('-t', '-c', $file, '-p', $t->dir);
    like $err, qr/\[emerg\].*? \Q$error\E/, $conf;
}

done_testing;
