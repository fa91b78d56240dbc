# SPDX-License-Identifier: BSD-2-Clause
#
# dav_ext: properties and locks of WebDAV, by the cases of RFC 4918, and with
# cadaver and rclone where they are installed.

use strict;
use warnings;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";
use Weir::Program;
use Weir::Test;

my $is_weir = !is_oracle();
my $load = '';
if ($is_weir) {
    need_module('http_dav_ext');
} else {
    my $so = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so';
    plan skip_all => 'no dav_ext module' if !-e $so;
    $load = "load_module $so;\n";
}

my $t = Weir::Test->new;
$t->mkdir('html');
chmod 0777, $t->path('html');
my $more = $is_weir ? 'PROPPATCH' : '';
$t->run($load . <<"EOC");
%%HTTP%%
    dav_ext_lock_zone zone=locks:1m timeout=100s;
    dav_ext_lock_zone zone=few:500k;
    types { text/plain txt; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / {
            dav_methods PUT DELETE MKCOL COPY MOVE;
            dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK $more;
            dav_ext_lock zone=locks;
        }
        location /read/ {
            alias %%TESTDIR%%/html/;
            dav_ext_methods PROPFIND OPTIONS;
        }
        location /many/ {
            dav_methods DELETE;
            dav_ext_methods PROPFIND LOCK;
            dav_ext_lock zone=few;
        }
        location /off/ { alias %%TESTDIR%%/html/; }
    }
}
EOC

sub dav {
    my ($method, $uri, $body, @headers) = @_;

    return $t->request($method, $uri, headers => \@headers,
                       defined $body ? (body => $body) : ());
}

sub status { return dav(@_)->status }

my $ns = 'xmlns="DAV:"';

# --- OPTIONS
my $r = dav('OPTIONS', '/');
is $r->status, 200, 'OPTIONS';
like $r->header('DAV'), qr/2/, '... class 2';
like $r->header('Allow'), qr/PUT.*PROPFIND.*LOCK,UNLOCK/, '... Allow';
is dav('OPTIONS', '/read/')->header('DAV'), '1', '... class 1 without locks';
is status('OPTIONS', '/off/'), 405, '... off';
is status('PROPFIND', '/off/', undef, Depth => 0), 405, 'PROPFIND: off';

# --- PROPFIND
is status('PUT', '/a.txt', 'hello'), 201, 'a file';
is status('MKCOL', '/folder/'), 201, 'a folder';
is status('PUT', '/folder/b%20%3C%26.txt', 'more'), 201, 'an odd name';
is status('MKCOL', '/folder/inner/'), 201, 'a folder in the folder';
is status('PUT', '/folder/inner/deep.txt', 'x'), 201, 'a file in that';

$r = dav('PROPFIND', '/a.txt', undef, Depth => 0);
is $r->status, 207, 'PROPFIND of a file';
is $r->header('Content-Type'), 'text/xml; charset=utf-8', '... as XML';
like $r->body, qr{<D:href>/a\.txt</D:href>}, '... href';
like $r->body, qr{<D:displayname>a\.txt</D:displayname>}, '... displayname';
like $r->body, qr{<D:getcontentlength>5</D:getcontentlength>}, '... length';
like $r->body, qr{<D:getlastmodified>\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT</},
    '... getlastmodified';
like $r->body, qr{<D:resourcetype></D:resourcetype>}, '... resourcetype';
like $r->body, qr{<D:lockscope><D:exclusive/></D:lockscope>}, '... locks';
if ($is_weir) {
    my $etag = $t->get('/a.txt')->header('ETag');
    my ($tag) = $r->body =~ m{<D:getetag>(.*?)</D:getetag>};
    ($tag //= '') =~ s/&quot;/"/g;
    is $tag, $etag, '... getetag is the ETag';
}

sub hrefs { return join ' ', sort $_[0]->body =~ m{<D:href>(.*?)</D:href>}g }

$r = dav('PROPFIND', '/folder/', undef, Depth => 1);
is hrefs($r), '/folder/ /folder/b%20%3C&amp;.txt /folder/inner/',
    'PROPFIND of a folder, depth 1';
like $r->body, qr{<D:displayname>b &lt;&amp;\.txt</D:displayname>},
    '... escaped';
like $r->body, qr{<D:resourcetype><D:collection/></D:resourcetype>},
    '... collections';
is hrefs(dav('PROPFIND', '/folder/', undef, Depth => 0)), '/folder/', 'depth 0';
is hrefs(dav('PROPFIND', '/folder', undef, Depth => 1)),
    '/folder /folder/b%20%3C&amp;.txt /folder/inner/', 'without the slash';
is hrefs(dav('PROPFIND', '/read/folder/', undef, Depth => 1)),
    '/read/folder/ /read/folder/b%20%3C&amp;.txt /read/folder/inner/',
    'with an alias';
is status('PROPFIND', '/folder/', undef, Depth => 'infinity'), 403,
    'depth infinity';
is status('PROPFIND', '/folder/', undef, Depth => 'x'), 400, 'a bad depth';
is status('PROPFIND', '/nothing', undef, Depth => 0), 404, 'what is not there';

my $some = "<?xml version='1.0'?><propfind $ns><prop><getcontentlength/>"
    . '<resourcetype/><x xmlns="urn:x"/></prop></propfind>';
$r = dav('PROPFIND', '/a.txt', $some, Depth => 0);
like $r->body, qr{<D:prop>\s*<D:getcontentlength>5</D:getcontentlength>\s*
                  <D:resourcetype></D:resourcetype>\s*</D:prop>\s*
                  <D:status>HTTP/1\.1\ 200\ OK}x, 'some properties';
unlike $r->body, qr/displayname/, '... and no others';
like $r->body, qr{<x xmlns="urn:x"/>\s*</D:prop>\s*<D:status>HTTP/1\.1 404},
    '... 404 for those that are not there' if $is_weir;
$r = dav('PROPFIND', '/a.txt', "<propfind $ns><propname/></propfind>",
         Depth => 0);
like $r->body, qr{<D:getcontentlength/>}, 'names';
for my $bad ('<foo', '<?xml version="1.0"?><a><b></a>',
             $is_weir ? ("<propfind $ns xmlns:e=''><prop/></propfind>",
              "<!DOCTYPE a [<!ENTITY e 'x'>]><propfind $ns><allprop/></propfind>",
              "<propfind $ns/>", '<propfind><allprop/></propfind>') : ()) {
    is status('PROPFIND', '/a.txt', $bad, Depth => 0), 400, "not: $bad";
}
$t->expect_log(qr/client sent invalid XML/);

# --- a large folder is sent in pieces
$t->mkdir('html/many');
$t->write("html/many/file number $_", $_) for 1 .. 1500;
$r = dav('PROPFIND', '/many/', undef, Depth => 1);
is scalar(() = $r->body =~ /<D:response>/g), 1501, 'a folder of 1500 files';
ok $r->complete, '... to its end';

# --- locks
sub lock_body {
    my ($scope, $owner) = @_;

    return "<?xml version='1.0'?><lockinfo $ns><lockscope><$scope/></lockscope>"
        . "<locktype><write/></locktype>"
        . ($owner ? "<owner>$owner</owner>" : '') . '</lockinfo>';
}

sub lock {
    my ($uri, $scope, @headers) = @_;
    my $r = dav('LOCK', $uri, lock_body($scope // 'exclusive',
                                        '<href>http://me/</href>'), @headers);

    return ($r->status, ($r->header('Lock-Token') // '') =~ /<(.*)>/ ? $1 : '',
            $r);
}

my ($status, $token, $answer) = lock('/a.txt');
is $status, 200, 'LOCK';
like $token, qr/^urn:/, '... its token';
like $answer->body, qr{<D:locktoken><D:href>\Q$token\E</D:href>},
    '... in the body too';
like $answer->body, qr{<D:depth>infinity</D:depth>}, '... its depth';
like $answer->body, qr{<D:lockroot><D:href>/a\.txt</D:href>}, '... its root';
like $answer->body, qr{<owner xmlns="DAV:"><href>http://me/</href></owner>},
    '... its owner' if $is_weir;
like dav('PROPFIND', '/a.txt', undef, Depth => 0)->body,
    qr{<D:lockdiscovery>\s*<D:activelock>.*\Q$token\E}s, '... PROPFIND shows it';
is +(lock('/a.txt'))[0], 423, 'a second lock';
my @if = (If => "(<$token>)");
for (['PUT', '/a.txt', 'x'], ['DELETE', '/a.txt'],
     ['MOVE', '/a.txt', undef, Destination => '/c.txt'],
     ['COPY', '/folder/inner/deep.txt', undef, Destination => '/a.txt']) {
    is status(@$_), 423, "$_->[0] without the token: 423";
}
is status('COPY', '/a.txt', undef, Destination => '/copy.txt'), 204,
    'COPY from what is locked';
is status('PUT', '/a.txt', 'changed', @if), 204, 'PUT with the token';
is $t->get('/a.txt')->body, 'changed', '... changes it';
is +(lock('/a.txt', 'exclusive', @if))[0], 423, 'a lock with the token'
    if $is_weir;
is status('LOCK', '/a.txt', undef, @if, Timeout => 'Second-50'), 200, 'refresh';

if ($is_weir) {
    like dav('PROPFIND', '/a.txt', undef, Depth => 0)->body,
        qr{<D:timeout>Second-(?:50|4\d)</D:timeout>}, '... for so long';
    my $etag = 'ETAG';
    my $other = 'urn:uuid:01234567-0123-4123-8123-0123456789ab';
    for (['(<' . $other . '>)', 412], ["(<$token> [$etag])", 204],
         ["(<$token> [\"no\"])", 412], ["(<$other>) (<$token>)", 204],
         ["(Not <$other>)", 423], ["(Not <$token>)", 412],
         ["(Not <$other> <$token>)", 204], ["([$etag])", 423],
         ["</a.txt> (<$token>)", 204], ["</copy.txt> (<$token>)", 412],
         ["</copy.txt> (Not <$token>) </a.txt> (<$token>)", 204],
         ['http://127.0.0.1/a.txt', 400], ["(<$token>", 400], ['()', 400],
         ['(<' . $token . '>)' x 65, 400], ["<http://localhost:1/a.txt> (<$token>)", 204]) {
        my ($if, $wanted) = @$_;
        $if =~ s/ETAG/$t->get('\/a.txt')->header('ETag')/e;
        my $got = status('PUT', '/a.txt', 'changed', If => $if);

        is $got, $wanted, "If: " . substr($if, 0, 60);
    }
    $t->expect_log(qr/client sent invalid "If" header/);
    is status('UNLOCK', '/a.txt', undef, 'Lock-Token' => "<$other>"), 409,
        'UNLOCK with another token';
    is status('UNLOCK', '/a.txt'), 400, 'UNLOCK without one';
    is status('LOCK', '/a.txt'), 400, 'LOCK without a body and a token';
    $t->expect_log(qr/client sent (?:UN)?LOCK without/);
    is status('LOCK', '/a.txt', '<x'), 400, 'LOCK with a bad body';
    is status('LOCK', '/a.txt', lock_body('exclusive'), Depth => 1), 400,
        'LOCK of depth 1';
    $t->expect_log(qr/client sent invalid LOCK/);
}
is status('UNLOCK', '/a.txt', undef, 'Lock-Token' => "<$token>"), 204, 'UNLOCK';
is status('PUT', '/a.txt', 'free'), 204, '... PUT is possible again';

# --- what is not there, and folders
($status, $token) = lock('/new.txt');
is $status, 201, 'LOCK of what is not there';
is $t->get('/new.txt')->status, 200, '... makes an empty file';
is status('UNLOCK', '/new.txt', undef, 'Lock-Token' => "<$token>"), 204,
    '... UNLOCK';
($status, $token) = lock('/folder/');
is $status, 200, 'LOCK of a folder';
is status('PUT', '/folder/inner/deep.txt', 'x'), 423, '... holds for all in it';
is status('DELETE', '/folder/'), 423, '... and for itself';
is status('PUT', '/folder/inner/deep.txt', 'x', If => "</folder/> (<$token>)"),
    204, '... unless the token is known';
if ($is_weir) {
    is +(lock('/folder/inner/deep.txt'))[0], 423, '... no other lock in it';
    is status('MKCOL', '/folder/z/'), 423, '... MKCOL in it';
    is status('MOVE', '/a.txt', undef, Destination => '/folder/a.txt'), 423,
        '... MOVE into it';
    is status('MOVE', '/folder/inner/', undef, Destination => '/inner/'), 423,
        '... MOVE out of it';
}
is status('UNLOCK', '/folder/', undef, 'Lock-Token' => "<$token>"), 204,
    '... UNLOCK';
if ($is_weir) {
    ($status, $token) = lock('/folder/', 'exclusive', Depth => 0);
    is $status, 200, 'LOCK of a folder, depth 0';
    is status('PUT', '/folder/inner/deep.txt', 'y'), 204,
        '... what is further down is free';
    is status('PUT', '/folder/new.txt', 'y'), 423, '... nothing is added';
    is status('DELETE', '/folder/inner/'), 423, '... nor taken away';
    is status('UNLOCK', '/folder/', undef, 'Lock-Token' => "<$token>"), 204,
        '... UNLOCK';
    my ($s1, $t1) = lock('/folder/inner/deep.txt', 'shared');
    my ($s2, $t2) = lock('/folder/inner/deep.txt', 'shared');
    is "$s1 $s2", '200 200', 'two shared locks';
    isnt $t1, $t2, '... have two tokens';
    is +(lock('/folder/inner/deep.txt'))[0], 423, '... an exclusive one does not';
    is +(lock('/folder/'))[0], 423, '... nor one of the folder above';
    is status('PUT', '/folder/inner/deep.txt', 'y'), 423, '... PUT without one';
    is status('PUT', '/folder/inner/deep.txt', 'y', If => "(<$t2>)"), 204,
        '... PUT with one of them';
    is status('DELETE', '/folder/'), 423, 'DELETE of a folder with a lock in it';
    is status('DELETE', '/folder/inner/deep.txt', undef, If => "(<$t1>)"), 204,
        'DELETE of what is locked';
    is status('PUT', '/folder/inner/deep.txt', 'y'), 201,
        '... removes its locks';

    # --- over a reload, and a worker that is killed
    ($status, $token) = lock('/a.txt');
    $t->reload;
    is status('PUT', '/a.txt', 'x'), 423, 'a lock outlives a reload';
    kill 'KILL', $t->worker_pids;
    $t->expect_log(qr/worker process \d+ exited on signal 9/);
    ok Weir::Test::wait_until(sub {
        return eval { status('PUT', '/a.txt', 'x') == 423 };
    }, 20), '... and its worker';
    is status('UNLOCK', '/a.txt', undef, 'Lock-Token' => "<$token>"), 204,
        '... UNLOCK';

    # --- a full zone
    my %got;
    for (1 .. 1200) {
        my ($s) = lock("/many/file%20number%20$_");
        $got{$s}++;
        last if $s != 200;
    }
    is join(' ', sort keys %got), '200 507', 'a full zone: 507';
    cmp_ok $got{200}, '>', 300, '... after more than 300 locks';
    is $t->get('/a.txt')->status, 200, '... all else goes on';
    $t->expect_log(qr/there is no room for a lock/);
    is status('DELETE', '/many/file%20number%201', undef), 423, '... they hold';
}

# --- PROPPATCH
SKIP: {
    skip 'nginx has no PROPPATCH', 1 if !$is_weir;
    my $patch = sub {
        my ($uri, $body) = @_;
        return dav('PROPPATCH', $uri, "<?xml version='1.0'?>"
                   . "<propertyupdate $ns xmlns:e='urn:e'>$body"
                   . '</propertyupdate>');
    };
    my $find = sub {
        my ($uri, $props) = @_;
        return dav('PROPFIND', $uri, "<propfind $ns xmlns:e='urn:e'>"
                   . "<prop>$props</prop></propfind>", Depth => 0)->body;
    };
    my $r = $patch->('/a.txt', '<set><prop><e:one>value &lt;1&gt;</e:one>'
                     . '<two xmlns="urn:t"><b/>text</two></prop></set>');
    is $r->status, 207, 'PROPPATCH';
    skip 'no extended attributes here', 1 if $r->body =~ /507/;
    unlike $r->body, qr{HTTP/1\.1 [345]}, '... was done';
    like $find->('/a.txt', '<e:one/>'),
        qr{<e:one xmlns:e="urn:e">value &lt;1&gt;</e:one>}, '... one';
    like $find->('/a.txt', '<two xmlns="urn:t"/>'),
        qr{<two xmlns="urn:t"><b/>text</two>}, '... two, with what is in it';
    like dav('PROPFIND', '/a.txt', undef, Depth => 0)->body,
        qr{value &lt;1&gt;}, '... among all';
    $patch->('/a.txt', '<set><prop><e:one>other</e:one></prop></set>'
             . '<remove><prop><two xmlns="urn:t"/></prop></remove>');
    like $find->('/a.txt', '<e:one/>'), qr{>other</e:one>}, 'replaced';
    like $find->('/a.txt', '<two xmlns="urn:t"/>'), qr{HTTP/1\.1 404},
        'removed';
    is status('PUT', '/a.txt', 'anew'), 204, 'PUT';
    $patch->('/a.txt', '<set><prop><e:one>kept</e:one></prop></set>');
    is status('MOVE', '/a.txt', undef, Destination => '/m.txt'), 204, 'MOVE';
    like $find->('/m.txt', '<e:one/>'), qr{>kept</e:one>}, '... takes it along';
    is status('COPY', '/m.txt', undef, Destination => '/a.txt'), 204, 'COPY';
    like $find->('/a.txt', '<e:one/>'), qr{>kept</e:one>}, '... too';
    is status('COPY', '/folder/', undef, Destination => '/folder2/'), 201,
        'COPY of a folder';
    like $patch->('/a.txt', '<set><prop><getetag>x</getetag><e:q>y</e:q></prop>'
                  . '</set>')->body, qr{getetag.*HTTP/1\.1\ 403.*e:?q.*424|
                  getetag.*HTTP/1\.1\ 403.*q\ .*424}xs,
        'a live property cannot be set, and nothing else is then';
    like $find->('/a.txt', '<e:q/>'), qr{HTTP/1\.1 404}, '... it was not';
    $patch->('/a.txt', '<set><prop><e:big>' . 'x' x 5000
             . '</e:big></prop></set>');
    like $find->('/a.txt', '<e:one/>'), qr{>kept</e:one>},
        'too large a one changes nothing';
    $t->expect_log(qr/setxattr\(\) .* failed/);
    is $patch->('/a.txt', '<set><prop>' . join('', map { "<e:p$_/>" } 1 .. 300)
                . '</prop></set>')->status, 400, 'too many';
    is $patch->('/nothing', '<set><prop><e:a/></prop></set>')->status, 404,
        'what is not there';
}

# --- a client that reads as fast as it can
SKIP: {
    skip 'nginx makes a list at once', 2 if !$is_weir;
    mkdir $t->path('html/large') or die $!;
    $t->write("html/large/$_", '') for 1 .. 10_000;
    my $list = $t->connect;
    my $child = fork // die "fork: $!";
    if (!$child) {
        $list->send("PROPFIND /large/ HTTP/1.1\r\nHost: a\r\nDepth: 1\r\n"
                    . "Connection: close\r\n\r\n");
        my $n = 0;
        $n += () = $_ =~ /<D:response>/g while read $list->{sock}, $_, 65_536;
        POSIX::_exit($n > 9000 ? 0 : 1);
    }
    my $n = 0;
    $n++ while waitpid($child, POSIX::WNOHANG()) == 0
        && $t->get('/a.txt')->status == 200;
    is $?, 0, 'PROPFIND of a large folder';
    cmp_ok $n, '>', 3, '... does not keep others from being answered';
}

# --- what a client could make large
SKIP: {
    skip 'nginx 1.22 has other bounds', 12 if !$is_weir;
    my $lock = sub {
        my ($uri, $owner, $scope) = @_;
        return dav('LOCK', $uri, "<lockinfo $ns><lockscope><$scope/></lockscope>"
                   . "<locktype><write/></locktype><owner>$owner</owner>"
                   . '</lockinfo>', Depth => 0);
    };
    my $spaces = join '', map { "<a xmlns='$_'/>" } 1 .. 800;
    is $lock->('/spaces', $spaces, 'shared')->status, 201,
        'many namespaces, at once';
    is $lock->('/spaces', '<a/>' x 5000, 'shared')->status, 413,
        'a long body';
    is status('PUT', '/shared', 'x'), 201, 'a file';
    is join(' ', map { $lock->('/shared', $_, 'shared')->status } 1 .. 80),
        join(' ', (200) x 80), '... with many locks';
    my $body = dav('PROPFIND', '/shared', "<propfind $ns><prop>"
                   . '<lockdiscovery/>' x 200 . '</prop></propfind>',
                   Depth => 0)->body;
    is scalar(() = $body =~ /<D:lockdiscovery>/g), 1, '... is told of once';
    is scalar(() = $body =~ /<D:activelock>/g), 64, '... and of some of them';
    is $lock->('/' . 'n' x 240 . '/x', '', 'shared')->status, 409,
        'in no folder';
    mkdir $t->path('html/' . 'd' x 200) or die $!;
    mkdir $t->path('html/' . 'd' x 200 . '/' . 'e' x 200) or die $!;
    chmod 0777, $t->path('html/' . 'd' x 200 . '/' . 'e' x 200);
    my $long = '/' . 'd' x 200 . '/' . 'e' x 200 . '/' . 'f' x 100;
    is $lock->($long, '', 'exclusive')->status, 507, 'a long path';
    ok !-e $t->path("html$long"), '... the lock that fails makes no file';
    is status('PUT', '/m.txt', 'x', 'If' => '(<nothing>)'), 412, 'If';
    my $r = $lock->('/merged', '', 'exclusive');
    is $r->status, 201, 'a lock';
    is status('COPY', '/shared', undef, Destination => '/.//merged'), 423,
        '... holds for other spellings of the path';
    $t->expect_log(qr/too large XML|no room for a lock/);
}

# --- clients
sub output_of {
    my (@command) = @_;

    open my $pipe, '-|', 'timeout', 60, @command or die "$command[0]: $!\n";
    return do { local $/; <$pipe> } // '';
}

my $url = 'http://127.0.0.1:' . $t->port;
SKIP: {
    skip 'no cadaver', 4 if !Weir::Program::path('cadaver');
    $t->write('local.txt', 'from cadaver');
    my $dir = $t->path('.');
    $t->write('script', <<"EOS");
open $url/
mkcol cadaver
cd cadaver
put $dir/local.txt up.txt
lock up.txt
ls
propset up.txt colour red
propget up.txt colour
unlock up.txt
copy up.txt copied.txt
move copied.txt moved.txt
get moved.txt $dir/back.txt
delete up.txt
quit
EOS
    local $ENV{HOME} = $t->dir;
    my $said = output_of('sh', '-c', "cadaver -r '$dir/script' </dev/null 2>&1 "
                         . "|| cadaver < '$dir/script' 2>&1");
    $said = output_of('sh', '-c', "cadaver < '$dir/script' 2>&1")
        if !-e $t->path('back.txt');
    is -e $t->path('back.txt') ? $t->read('back.txt') : $said, 'from cadaver',
        'cadaver puts, copies, moves and gets';
    ok !-e $t->path('html/cadaver/up.txt'), '... deletes';
    like $said, qr/Locking `up\.txt': succeeded/, '... locks';
    like $said, qr/Unlocking `up\.txt': succeeded/, '... unlocks';
}
SKIP: {
    skip 'no rclone', 2 if !Weir::Program::path('rclone');
    $t->write("local/$_", "file $_\n" x $_) for 1 .. 20;
    my @rclone = ('rclone', '--config', $t->path('rclone.conf'),
                  '--webdav-url', "$url/", '--webdav-vendor', 'other');
    output_of('sh', '-c', 'exec "$@" 2>&1', 'sh', @rclone, 'sync',
              $t->path('local'), ':webdav:rclone');
    is output_of(@rclone, 'lsf', ':webdav:rclone'),
        join('', map { "$_\n" } sort 1 .. 20), 'rclone puts and lists';
    output_of('sh', '-c', 'exec "$@" 2>&1', 'sh', @rclone, 'sync',
              ':webdav:rclone', $t->path('local2'));
    is join('', map { $t->read("local2/$_") } 1 .. 20),
        join('', map { $t->read("local/$_") } 1 .. 20), '... and gets';
}
$t->expect_log(qr/failed \(2: |is unsupported|invalid "Depth"/);
done_testing;
