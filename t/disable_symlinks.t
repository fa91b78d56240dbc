# SPDX-License-Identifier: BSD-2-Clause
#
# disable_symlinks: which links are followed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Weir::Test;

my $t = Weir::Test->new;
my $dir = $t->dir;
$t->write('real/f', 'file');
$t->write('real/sub/g', 'deep');
$t->write('html/plain', 'plain');
$t->write('html/d/plain', 'below');
symlink "$dir/real/f", "$dir/html/link";
symlink '../real', "$dir/html/dirlink";
symlink "$dir/real/none", "$dir/html/broken";
symlink 'html', "$dir/way";
if ($> == 0) {
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    # The link belongs to nobody, as does one of two files.
    $t->write('real/theirs', 'theirs');
    chown $uid, $gid, "$dir/real/theirs";
    symlink "$dir/real/theirs", "$dir/html/other";
}
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /follow/ { alias %%TESTDIR%%/html/; disable_symlinks off; }
        location /never/ { alias %%TESTDIR%%/html/; disable_symlinks on; }
        location /owner/ { alias %%TESTDIR%%/html/;
                           disable_symlinks if_not_owner; }
        location /from/ { alias %%TESTDIR%%/way/;
                          disable_symlinks on from=%%TESTDIR%%/way; }
        location /whole/ { alias %%TESTDIR%%/html/;
                           disable_symlinks on from=%%TESTDIR%%/html/link; }
        location /folder/ { alias %%TESTDIR%%/html/;
                            disable_symlinks on from=%%TESTDIR%%/html/dirlink; }
        location /slash/ { alias %%TESTDIR%%/html/;
                           disable_symlinks on from=%%TESTDIR%%/html/dirlink/; }
        location /way/ { alias %%TESTDIR%%/way/; disable_symlinks on; }
        location /cached/ { alias %%TESTDIR%%/html/; disable_symlinks on;
                            open_file_cache max=10; }
    }
}
EOC

my @table = (
    # request                status
    '/follow/link'        => 200,
    '/follow/dirlink/f'   => 200,
    '/follow/broken'      => 404,
    '/never/plain'        => 200,
    '/never/d/plain'      => 200,
    '/never/link'         => 403,
    '/never/dirlink/f'    => 404,
    '/never/none'         => 404,
    '/owner/link'         => 200,
    '/owner/dirlink/sub/g' => 200,
    '/from/plain'         => 200,
    '/from/link'          => 403,
    '/whole/link'         => 200,
    '/whole/dirlink/f'    => 404,
    '/folder/dirlink'     => 301,
    '/folder/dirlink/'    => 403,
    '/folder/dirlink/f'   => 200,
    '/folder/dirlink/none' => 404,
    '/slash/dirlink/f'    => 200,
    '/way/plain'          => 404,
    '/cached/plain'       => 200,
    '/cached/link'        => 403,
);
while (my ($uri, $status) = splice @table, 0, 2) {
    is $t->get($uri)->status, $status, $uri for 1 .. 2;
}
SKIP: {
    skip 'needs files of two users', 2 if $>;
    is $t->get('/follow/other')->status, 200, 'a file of another user';
    is $t->get('/owner/other')->status, 403, 'refused by if_not_owner';
}
SKIP: {
    skip 'an nginx says 500', 1 if is_oracle();
    is $t->get('/slash/dirlink/')->status, 403, 'a folder without an index';
}

# Who may rename things makes the name a link while it is opened, and a file
# while it is looked at.
SKIP: {
    skip 'needs files of two users', 2 if $>;
    my $uid = getpwnam 'nobody';
    $t->write('secret', 'SECRET');
    $t->write('html/race/plain', 'plain');
    chown $uid, -1, "$dir/html/race", "$dir/html/race/plain";
    my $swap = fork // die "fork: $!\n";
    if (!$swap) {
        my $end = time + 20;
        chdir "$dir/html/race";
        $> = $uid;
        while (time < $end && getppid != 1) {
            for (1 .. 100) {
                symlink "$dir/secret", 'l';
                rename 'l', 'a';
                link 'plain', 'p';
                rename 'p', 'a';
            }
        }
        POSIX::_exit(0);
    }
    my %seen = map { $_ => 0 } qw(plain SECRET);
    my $end = time + 3;
    my $c = $t->connect;
    while (time < $end) {
        $c = $t->connect if $c->closed(0);
        my $r = $c->get('/owner/race/a');
        $seen{ $r->body }++ if $r->status == 200;
    }
    kill 'KILL', $swap;
    waitpid $swap, 0;
    cmp_ok $seen{plain}, '>', 0, 'a name that changes all the time is served';
    is $seen{SECRET}, 0, 'but never what it may not lead to';
}
my $failed = "\"$dir/html/link\" failed "
    . '(40: Too many levels of symbolic links), client: 127.0.0.1, ';
like $t->wait_log(qr{html/link" failed}) // '',
    qr{\[error\] .* open(?:at)?\(\) \Q$failed\E},
    'the log';

done_testing;
