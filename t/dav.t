# SPDX-License-Identifier: BSD-2-Clause
#
# dav: what t/truth/dav.tsv does not say: bodies of all kinds, permissions,
# trees, links, other file systems, clients that leave.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_dav');

my $t = Weir::Test->new;
my $has_shm = -d '/dev/shm' && -w '/dev/shm'
    && (stat '/dev/shm')[0] != (stat $t->dir)[0];
my $other = $has_shm ? "/dev/shm/weir-dav-$$" : $t->path('other');
END { system 'rm', '-rf', $other if $other && $$ == $main::pid }
our $pid = $$;

make_path($other, $t->path('html/files'), { mode => 0777 });
chmod 0777, $other, $t->path('html/files'), $t->path('html');
symlink $other, $t->path('html/other');
$t->run(<<'EOC');
%%HTTP%%
    client_max_body_size 20m;
    client_body_buffer_size 16k;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { dav_methods PUT DELETE MKCOL COPY MOVE;
                     create_full_put_path on; }
        location /files/all/ { dav_methods PUT MKCOL COPY;
                         create_full_put_path on; dav_access all:rw; }
        location /files/group/ { dav_methods PUT MKCOL; create_full_put_path on;
                           dav_access user:rw group:r; }
        location /files/off/ { dav_methods off; }
        location /files/asked/ { dav_methods PUT; create_full_put_path on;
                           auth_request /yes; }
        location = /yes { return 204; }
        location /files/file/ { dav_methods PUT; create_full_put_path on;
                          client_body_in_file_only on; }
        location /files/nofolder/ { dav_methods PUT; }
        location /files/small/ { dav_methods PUT; client_max_body_size 10; }
    }
}
EOC

sub dav {
    my ($method, $uri, @headers) = @_;

    return $t->request($method, $uri, headers => \@headers)->status;
}

# --- bodies
for my $n (0, 1, 4096, 16383, 16384, 16385, 70_000, 3_000_000) {
    my $body = substr join('', map { "line $_\n" } 1 .. 300_000), 0, $n;

    for my $where (qw(plain asked file)) {
        my $uri = "/files/$where/$n";
        my $r = $t->request('PUT', $uri, body => $body);

        is $r->status, 201, "$uri: 201";
        ok $t->read("html$uri") eq $body, '... the file has the body';
    }
    my $r = $t->request('PUT', "/files/plain/$n", chunks => [length $body ? $body : ()]);
    is $r->status, 204, "chunked, $n bytes: 204";
    ok $t->read("html/files/plain/$n") eq $body, '... the file has the body';
}
like $t->request('PUT', '/files/plain/a%20b%3F', body => 'x')
    ->header('Location'), qr{^http://[^/]+/files/plain/a%20b%3F$}, 'Location';
is $t->request('PUT', '/files/small/x', body => 'x' x 11)->status, 413,
    'a body that is too large';
is $t->request('PUT', '/files/off/x', body => 'x')->status, 405, 'off';
is $t->request('PUT', '/files/plain/expected', body => 'x',
               headers => [Expect => '100-continue'])->status, 201,
    'Expect: 100-continue';

# --- a client that leaves
my $c = $t->connect;
$c->send("PUT /files/plain/torn HTTP/1.1\r\nHost: a\r\n"
         . "Content-Length: 100000\r\n\r\n" . 'x' x 50_000);
select undef, undef, undef, .2;
$c->close;
is $t->get('/files/plain/torn')->status, 404, 'part of a body makes no file';
is $t->request('PUT', '/files/nofolder/x/y', body => 'x')->status, 500,
    'PUT into a folder that is not there';
ok Weir::Test::wait_until(sub {
    return !grep { -f } glob $t->path('client_body_temp') . '/*';
}, 10), '... and nothing is left of either';

# --- permissions
sub mode { return sprintf '%03o', (stat $t->path("html$_[0]"))[2] & 0777 }

umask 0;
$t->request('PUT', '/files/all/new/x', body => 'x');
$t->request('PUT', '/files/group/new/x', body => 'x');
is mode('/files/plain/1'), '600', 'user:rw';
is mode('/files/all/new/x'), '606', 'all:rw';
is mode('/files/group/new/x'), '640', 'user:rw group:r';
is dav('MKCOL', '/files/all/folder/'), 201, 'MKCOL';
ok -d $t->path('html/files/all/folder'), '... the folder is there';

# --- trees
sub tree {
    my ($at) = @_;
    my %seen;
    my @left = ('');

    while (defined(my $name = shift @left)) {
        my $path = $t->path("html$at/$name");
        opendir my $d, $path or next;
        for (grep { !/^\.\.?$/ } readdir $d) {
            my $inner = "$name/$_";
            my $full = $t->path("html$at$inner");
            $seen{$inner} = -l $full ? 'to ' . readlink $full
                : -d $full ? 'folder' : Weir::Test::slurp($full);
            push @left, $inner if -d $full && !-l $full;
        }
    }
    return join ', ', map { "$_ $seen{$_}" } sort keys %seen;
}

sub plant {
    my ($at) = @_;

    make_path($t->path("html$at/a/b/c"), $t->path("html$at/empty"));
    chmod 0777, map { $t->path("html$at$_") } '', '/a', '/a/b', '/a/b/c', '/empty';
    $t->write("html$at/$_", "content of $_") for qw(one a/two a/b/c/three .dot);
    symlink $t->path('outside'), $t->path("html$at/link");
    symlink 'one', $t->path("html$at/a/near");
    chmod 0646, $t->path("html$at/one");
    utime 1e9, 1e9, $t->path("html$at/one");
}

$t->mkdir('outside');
chmod 0777, $t->path('outside');
$t->write('outside/kept', 'kept');
my $is_weir = !is_oracle();
for my $where ('files', $has_shm ? 'other' : ()) {
    plant('/files/tree');
    my $tree = tree('/files/tree');

    SKIP: {
        # nginx follows links
        skip 'links', 5 if !$is_weir;
        is dav('COPY', '/files/tree/', Destination => "/$where/copy/"), 201,
            "COPY to $where";
        is tree("/$where/copy"), $tree, '... is the same';
        is tree('/files/tree'), $tree, '... and leaves what it copies';
        is mode("/$where/copy/one"), '646', '... with its modes';
        is +(stat $t->path("html/$where/copy/one"))[9], 1e9, '... and times';
    }
    system 'rm', '-rf', $t->path("html/$where/copy");
    SKIP: {
        skip 'links', 5 if !$is_weir;
        is dav('MOVE', '/files/tree/', Destination => "/$where/moved/"), 201,
            "MOVE to $where";
        is tree("/$where/moved"), $tree, '... is the same';
        ok !-e $t->path('html/files/tree'), '... and nothing stays';
        plant('/files/tree');
        $t->write("html/$where/moved/old", 'old');
        is dav('MOVE', '/files/tree/', Destination => "/$where/moved/"), 201,
            'MOVE over a folder';
        is tree("/$where/moved"), $tree, '... replaces it';
    }
    system 'rm', '-rf', $t->path("html/$where/moved"),
        $t->path('html/files/tree');
    $t->write('html/files/single', 'single');
    is dav('COPY', '/files/single', Destination => "/$where/single2"), 204,
        "COPY of a file to $where";
    is dav('MOVE', '/files/single', Destination => "/$where/new/single3"), 204,
        'MOVE of a file, to a folder that is made';
    is $t->read("html/$where/single2") . $t->read("html/$where/new/single3"),
        'singlesingle', '... both are there';
    ok !-e $t->path('html/files/single'), '... and the one is gone';
    is dav('DELETE', "/$where/new/"), 204, 'DELETE of the folder';
    ok !-e $t->path("html/$where/new"), '... it is gone';
}
is $t->read('outside/kept'), 'kept', 'what links lead to stays';

SKIP: {
    skip 'nginx follows links', 6 if !$is_weir;
    plant('/files/tree');
    is dav('DELETE', '/files/tree/'), 204, 'DELETE of a tree';
    ok !-e $t->path('html/files/tree'), '... all of it';
    is $t->read('outside/kept'), 'kept', '... and not what its links lead to';

    my $deep = 'html/files/deep' . '/d' x 200;
    make_path($t->path($deep), { mode => 0777 });
    $t->expect_log(qr/"[^"]+" failed \(36: File name too long\)/);
    isnt dav('COPY', '/files/deep/', Destination => '/files/deeper/'), 201,
        'a tree of more than 128 levels is not copied';
    is dav('DELETE', '/'), 403, 'DELETE of the root';
    ok -d $t->path('html/files'), '... does nothing';
    $t->expect_log(qr/DELETE of the root/);
}

# --- other names of the source and of what it is in
SKIP: {
    skip 'nginx compares names', 10 if !$is_weir;
    make_path($t->path('html/files/plain/out/in'), { mode => 0777 });
    chmod 0777, map { $t->path("html/files/plain/out$_") } '', '/in';
    symlink 'out', $t->path('html/files/plain/link') or die $!;
    $t->write('html/files/plain/out/in/x', 'kept');
    for (['in/', '/./'], ['in/', '//'], ['', '/./in/new/'], ['', '//new/']) {
        is dav('COPY', "/files/plain/out/$$_[0]",
               Destination => "/files/plain/out$$_[1]"), 403,
            "COPY of out/$$_[0] to out$$_[1]";
    }
    is dav('COPY', '/files/plain/out/', Destination => '/files/plain/link/new/'),
        403, '... by way of a link';
    is dav('MOVE', '/files/plain/out/in/x',
           Destination => '/files/plain/link/in/x'), 403, '... of a file';
    is $t->get('/files/plain/out/in/x')->body, 'kept', '... nothing is lost';
    ok !-e $t->path('html/files/plain/out/new'), '... or new';
    my $long = 'n' x 250;
    is dav('COPY', '/files/plain/1', Destination => "/files/plain/$long"), 204,
        'COPY to a long name';
    is $t->get("/files/plain/$long")->body, 'l', '... is the file';
    $t->expect_log(qr/point to the same location/);
}

# --- many files: others are served meanwhile
SKIP: {
    skip 'nginx waits for the disk', 2 if !$is_weir;
    make_path($t->path("html/files/many/$_"), { mode => 0777 }) for 1 .. 30;
    for my $d (1 .. 30) {
        $t->write("html/files/many/$d/$_", $_) for 1 .. 60;
    }
    my $copy = $t->connect;
    $copy->send("COPY /files/many/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                . "Destination: /files/many2/\r\nConnection: close\r\n\r\n");
    is $t->get('/files/plain/1')->status, 200, 'another request meanwhile';
    is $copy->read_response->status, 201, 'COPY of 1800 files';
    is tree('/files/many2'), tree('/files/many'), '... all of them';
}

$t->expect_log(qr/ is not found|failed \(2: |client intended to send too large/);
done_testing;
