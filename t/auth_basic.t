# SPDX-License-Identifier: BSD-2-Clause
#
# auth_basic: schemes of passwords, the file, the challenge, and what else
# guards a location.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64);
use Digest::SHA qw(sha1);
use Time::HiRes qw(time);
use Weir::Test;

need_module('http_auth_basic');

my $long = 'a much longer password, of more than 32 bytes';
my @users = (
    plain   => '{PLAIN}secret',
    plain2  => '{PLAIN}secret:more',
    sha     => '{SHA}' . encode_base64(sha1('secret'), ''),
    ssha    => '{SSHA}' . encode_base64(sha1('secretsalt') . 'salt', ''),
    nosalt  => '{SSHA}' . encode_base64(sha1('secret'), ''),
    apr1    => '$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/',
    des     => 'abNANd1rDfiNc',
    md5     => '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1',
    sha256  => '$5$rounds=1000$abc$Mz4DiYKTnNKbZLo/mIp3d8Y4aQBhv3uhSwxLDy55/Y8',
    sha512  => '$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.',
    bcrypt  => '$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW',
);
my %other = (
    apr1long  => ['$apr1$ab$KDd3BGqVizPUYIr1OFpqt/', $long],
    apr1empty => ['$apr1$x$tMwYqBfQwi3FYAr0aJc8M/', ''],
);
my @refused = (
    shortssha => '{SSHA}' . encode_base64('short', ''),
    badssha   => '{SSHA}%%%',
    lower     => '{plain}secret',
    unknown   => '$9$what$ever',
    apr1cut   => '$apr1$',
    apr1none  => '$apr1$abcdefgh',
    token     => '*0',
    empty     => '',
    onechar   => 'x',
);

my $t = Weir::Test->new;
my $text = "# a comment:{PLAIN}secret\n\nnocolon\n:{PLAIN}secret\n";
my %entry = (@users, map { $_ => $other{$_}[0] } keys %other);
$text .= "$_:$entry{$_}\n" for sort keys %entry;
$text .= "info:{PLAIN}secret:Some Body:rest\ncr:{PLAIN}secret\r\n";
%entry = @refused;
$text .= "$_:$entry{$_}\n" for sort keys %entry;
$t->write('users', $text . 'last:{PLAIN}secret');
$t->write('conf/users2', "two:{PLAIN}secret\n");
$t->write('empty', '');
$t->write('closed', "plain:{PLAIN}secret\n", mode => 0);
$t->mkdir('folder');
# Larger than what is kept of small files
$t->write('large', ("padding:{PLAIN}x\n" x 10000) . "big:{PLAIN}secret\n");
$t->write('html/index.html', 'in');

$t->run(<<'EOC');
%%HTTP%%
    log_format user "$request_uri $remote_user";
    access_log %%TESTDIR%%/user.log user;
    map $arg_r $realm { default "by $arg_r"; off off; "" ""; }
    map $arg_f $file { default $arg_f; abs %%TESTDIR%%/users; }
    auth_basic_user_file users;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /in { auth_basic "the \"realm\""; try_files /index.html =404; }
        location /vars { auth_basic $realm; auth_basic_user_file $file; try_files /index.html =404; }
        location /dirty { auth_basic r; auth_basic_user_file conf/$arg_f; try_files /index.html =404; }
        location /large { auth_basic r; auth_basic_user_file large; try_files /index.html =404; }
        location /change { auth_basic r; auth_basic_user_file change; try_files /index.html =404; }
        location /nofile { auth_basic r; auth_basic_user_file none; try_files /index.html =404; }
        location /closed { auth_basic r; auth_basic_user_file closed; try_files /index.html =404; }
        location /folder { auth_basic r; auth_basic_user_file folder; try_files /index.html =404; }
        location /empty { auth_basic r; auth_basic_user_file empty; try_files /index.html =404; }
        location /method { limit_except GET { auth_basic r; } try_files /index.html =404; }
        location /return { auth_basic r; return 200 before; }
        location /page { auth_basic r; error_page 401 /why; }
        location /why { return 200 because; }
        location /ok { auth_basic r; error_page 401 =200 /why; }
        location /any { satisfy any; deny all; auth_basic r; try_files /index.html =404; }
        location /anyok { satisfy any; allow all; auth_basic r; try_files /index.html =404; }
        location /all { deny all; auth_basic r; try_files /index.html =404; }
        location /outer { auth_basic outer; try_files /index.html =404;
            location /outer/in { try_files /index.html =404; }
            location /outer/off { auth_basic off; try_files /index.html =404; } }
        location /delay { auth_basic r; auth_delay 300ms; try_files /index.html =404; }
    }
    server {
        listen 127.0.0.1:%%PORT_none%%;
        location / { auth_basic off; return 200; }
    }
}
EOC
my $sees_all = $> != 0 || getpwnam 'nobody';

sub as {
    my ($uri, $user, $password, %opt) = @_;

    return $t->get($uri, headers => [ Authorization => 'Basic '
        . encode_base64("$user:$password", '') ], %opt);
}

# ---- schemes ----

while (my ($user) = splice @users, 0, 2) {
    is as('/in', $user, 'secret')->status, 200, "$user";
    is as('/in', $user, 'nope')->status, 401, "$user: wrong";
    is as('/in', $user, '')->status, 401, "$user: empty";
}
for my $user (sort keys %other) {
    is as('/in', $user, $other{$user}[1])->status, 200, $user;
    is as('/in', $user, 'nope')->status, 401, "$user: wrong";
}
while (my ($user) = splice @refused, 0, 2) {
    is as('/in', $user, 'secret')->status, 401, "$user: never";
    is as('/in', $user, '')->status, 401, "$user: never, empty";
}
is as('/in', 'plain', "secret\0more")->status, 200, 'NUL ends a password';
is as('/in', 'sha', "secret\0more")->status, 200, 'NUL ends a password: sha';
is as('/in', 'plain', 'secret:more')->status, 401, 'a colon in a password';

# ---- the file ----

is as('/in', 'info', 'secret')->status, 200, 'more behind a second colon';
is as('/in', 'cr', 'secret')->status, 200, 'CR LF';
is as('/in', 'last', 'secret')->status, 200, 'no LF at the end';
is as('/in', '# a comment', 'secret')->status, 401, 'a comment';
is as('/in', 'nocolon', '')->status, 401, 'no colon';
is as('/in', 'plai', 'secret')->status, 401, 'the start of a name';
is as('/in', 'plainn', 'secret')->status, 401, 'a longer name';
is as('/in', 'PLAIN', 'secret')->status, 401, 'case of names';
is as('/large', 'big', 'secret')->status, 200, 'a large file';
is as('/large', 'bug', 'secret')->status, 401, 'a large file: unknown';
is as('/empty', 'plain', 'secret')->status, 401, 'an empty file';
is as('/nofile', 'plain', 'secret')->status, 403, 'no such file';
SKIP: {
    skip 'root may read it', 2 if !$sees_all;
    $t->expect_log(qr/closed" failed/);
    is as('/closed', 'plain', 'secret')->status, 500, 'an unreadable file';
    ok $t->wait_log(qr{\[crit\] .* open\(\) ".*/closed" failed \(13: Permission denied\), client}),
        'an unreadable file: log';
}
$t->expect_log(qr/folder" failed/);
is as('/folder', 'plain', 'secret')->status, 500, 'a folder';
ok $t->wait_log(qr{\[crit\] .*"\S+/folder" failed \(21: Is a directory\), client}),
    'a folder: log';
is as('/vars?r=x&f=users', 'plain', 'secret')->status, 200, 'variables';
is as('/vars?r=x&f=abs', 'plain', 'secret')->status, 200, 'an absolute path';
is as('/vars?r=x&f=conf/users2', 'plain', 'secret')->status, 401,
    'another file';
is as('/vars?r=x&f=conf/users2', 'two', 'secret')->status, 200,
    'another file: another user';
is as('/dirty?f=users2', 'two', 'secret')->status, 200, 'a path in pieces';

$t->write('change', "x:{PLAIN}a\n");
is as('/change', 'x', 'a')->status, 200, 'before a change';
$t->write('change', "x:{PLAIN}b\n");
is as('/change', 'x', 'a')->status, 401, 'after a change';
is as('/change', 'x', 'b')->status, 200, 'after a change: the new one';

# ---- the field ----

my $r = $t->get('/in');
is $r->status, 401, 'no field';
is $r->header('WWW-Authenticate'), 'Basic realm="the "realm""',
    'the challenge';
like $r->body, qr{<h1>401 Authorization Required</h1>}, 'the page';
is $t->get('/vars?r=1&f=users')->header('WWW-Authenticate'),
    'Basic realm="by 1"', 'a variable';
is $t->get('/vars?r=off&f=users')->status, 200, 'a variable: off';
is $t->get('/vars?f=users')->header('WWW-Authenticate'), 'Basic realm=""',
    'a variable: empty';
for ('basic cGxhaW46c2VjcmV0', 'BASIC   cGxhaW46c2VjcmV0',
    'Basic cGxhaW46c2VjcmV0 ', 'Basic cGxhaW46c2VjcmV0= x')
{
    is $t->get('/in', headers => [ Authorization => $_ ])->status, 200,
        "field: $_";
}
for ('Basic', 'Basic ', 'Basic %%%', 'Basic cGxhaW4=', 'Basic OnNlY3JldA==',
    'Bearer cGxhaW46c2VjcmV0', 'Basiccontent', 'Basic cGxhaW46c2VjcmV0 x')
{
    is $t->get('/in', headers => [ Authorization => $_ ])->status, 401,
        "field: $_";
}

# ---- where it stands ----

is $t->get('/method')->status, 200, 'limit_except';
is $t->post('/method', 'x')->status, 401, 'limit_except: others';
is $t->get('/return')->body, 'before', 'return';
$r = $t->get('/page');
is $r->status, 401, 'error_page';
is $r->body, 'because', 'error_page: body';
is $r->header('WWW-Authenticate'), 'Basic realm="r"', 'error_page: challenge';
$r = $t->get('/ok');
is $r->status, 200, 'error_page =200';
is $r->header('WWW-Authenticate'), 'Basic realm="r"',
    'error_page =200: challenge';
is $t->get('/any')->status, 401, 'satisfy any';
is as('/any', 'plain', 'secret')->status, 200, 'satisfy any: password';
$r = $t->get('/anyok');
is $r->status, 200, 'satisfy any: address';
is $r->header('WWW-Authenticate'), undef, 'satisfy any: no challenge';
is as('/all', 'plain', 'secret')->status, 403, 'satisfy all';
is $t->get('/outer/in')->header('WWW-Authenticate'), 'Basic realm="outer"',
    'inherited';
is $t->get('/outer/off')->status, 200, 'off';
is $t->get('/', port => 'none')->status, 200, 'off outside';

my $start = time;
is as('/delay', 'plain', 'nope')->status, 401, 'auth_delay';
cmp_ok time - $start, '>=', 0.29, 'auth_delay: waits';
ok $t->wait_log(qr{\[info\] .* delaying unauthorized request, client: .*"GET /delay }),
    'auth_delay: the log';
$start = time;
is as('/delay', 'plain', 'secret')->status, 200, 'auth_delay: right';
cmp_ok time - $start, '<', 0.25, 'auth_delay: right, at once';

# ---- logs ----

my $where = qr{, client: 127\.0\.0\.1, server: , request: "GET };
as('/in?log', 'plain', 'nope');
ok $t->wait_log(qr{\[error\] \d+#\d+: \*\d+ user "plain": password mismatch$where/in\?log HTTP/1\.1", host: }),
    'log: mismatch';
as('/in?log', 'nobody', 'nope');
ok $t->wait_log(qr{\[error\] \d+#\d+: \*\d+ user "nobody" was not found in "\Q$t->{dir}\E/users"$where/in\?log}),
    'log: no such user';
$t->get('/in?log');
ok $t->wait_log(qr{\[info\] \d+#\d+: \*\d+ no user/password was provided for basic authentication$where/in\?log}),
    'log: nothing given';
ok $t->wait_log(qr{\[error\] \d+#\d+: \*\d+ open\(\) "\Q$t->{dir}\E/none" failed \(2: No such file or directory\)$where/nofile}),
    'log: no file';
as('/why?name', 'some one', 'x');
ok $t->wait_log(qr{^/why\?name some one$}, 'user.log'), '$remote_user';
as('/why?none', '', 'x');
ok $t->wait_log(qr{^/why\?none -$}, 'user.log'), '$remote_user: no name';

# ---- messages ----

sub first { return conf_test("events {}\nhttp {\n$_[0]\n}\n") }

is first('auth_basic a; auth_basic b;')->{first},
    '"auth_basic" directive is duplicate in F:3', 'twice';
is first('auth_basic a b;')->{first},
    'invalid number of arguments in "auth_basic" directive in F:3',
    'two words';
is first('auth_basic $nosuch;')->{first}, 'unknown "nosuch" variable',
    'no such variable';

done_testing;
