# SPDX-License-Identifier: BSD-2-Clause
#
# Files that have lain still for long, and may be kept between requests:
# whatever happens to them shows in the very next answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $then = 1700000000;
my $dir = $t->mkdir('html');
my @more = (mtime => $then);
my $big = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 50_000;

$t->write("html/$_", "$_ before", @more)
    for qw(same longer over mv chmod hard map sub/deep/f sub2/f);
$t->write('html/v1/f', 'version 1', @more);
$t->write('html/v2/f', 'version 2', @more);
$t->write('html/big', $big, @more);
$t->write('html/index/index.html', 'index', @more);
symlink 'v1', "$dir/now";
symlink "$dir/now", "$dir/again";
$t->run(<<'EOC');
%%HTTP%%
    sendfile on;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /copied/ { alias %%TESTDIR%%/html/; sendfile off; }
        location /tried/ { try_files /none$uri /sub2/f; }
    }
}
EOC

my $kept = $t->connect;

# says($uri, $wanted, $name): on a new connection and on one kept alive; asked
# twice, since the second answer may be remembered.
sub says {
    my ($uri, $wanted, $name) = @_;

    for my $how (qw(new kept)) {
        for (1, 2) {
            my $r = $how eq 'new' ? $t->get($uri) : $kept->get($uri);
            my $got = $r->status == 200 ? $r->body : $r->status;
            next if $got eq $wanted;
            is $got, $wanted, "$name ($how)";
            return;
        }
    }
    pass $name;
}

sub old { utime $then, $then, map { "$dir/$_" } @_ }

says('/same', 'same before', 'a file');
$t->write('html/same', 'same afterX', @more);
says('/same', 'same afterX', 'rewritten, size and time the same');

says('/longer', 'longer before', 'a file');
open my $out, '>>', "$dir/longer";
syswrite $out, ' and behind';
says('/longer', 'longer before and behind', 'appended to');
sysseek $out, 0, 0;
truncate $out, 6;
close $out;
old('longer');
says('/longer', 'longer', 'truncated');

says('/over', 'over before', 'a file');
$t->write('html/new', 'over after!', @more);
rename "$dir/new", "$dir/over";
says('/over', 'over after!', 'renamed over');
says('/new', 404, 'and gone from where it was');
$t->write('html/new', 'new again', @more);
says('/new', 'new again', 'and there again');

rename "$dir/mv", "$dir/moved";
says('/mv', 404, 'moved away');
says('/moved', 'mv before', 'and found there');
rename "$dir/moved", "$dir/mv";
says('/mv', 'mv before', 'moved back');
unlink "$dir/mv";
says('/mv', 404, 'deleted');
$t->mkdir('html/mv');
says('/mv', 301, 'a directory in its place');

# ---- links ----

says('/hard', 'hard before', 'a file');
link "$dir/hard", $t->path('elsewhere');
says('/hard', 'hard before', 'with a second name');
$t->write('elsewhere', 'hard after!', @more);
says('/hard', 'hard after!', 'written to by that name');

says('/now/f', 'version 1', 'by a link');
says('/again/f', 'version 1', 'by a link to a link');
symlink 'v2', "$dir/next";
rename "$dir/next", "$dir/now";
says('/now/f', 'version 2', 'the link switched');
says('/again/f', 'version 2', 'and the other with it');
rename "$dir/v2", "$dir/v3";
says('/again/f', 404, 'what it leads to is gone');
rename "$dir/v1", "$dir/v2";
says('/again/f', 'version 1', 'another directory has its name');

# ---- directories ----

says('/sub/deep/f', 'sub/deep/f before', 'deep down');
rename "$dir/sub", "$dir/sub3";
says('/sub/deep/f', 404, 'a parent moved');
rename "$dir/sub2", "$dir/sub";
says('/sub/f', 'sub2/f before', 'another in its place');
says('/sub/deep/f', 404, 'which has no such file');
rename "$dir/sub3/deep", "$dir/sub/deep";
says('/sub/deep/f', 'sub/deep/f before', 'until it has');

says('/index/', 'index', 'an index');
unlink "$dir/index/index.html";
says('/index/', 403, 'no index');
rmdir "$dir/index";
says('/index/', 404, 'no directory');

says('/tried/x', 404, 'try_files: nothing');
$t->write('html/sub2/f', 'resort', @more);
says('/tried/x', 'resort', 'try_files: the last resort appears');
$t->write('html/none/tried/x', 'found', @more);
says('/tried/x', 'found', 'try_files: the file appears');

# ---- larger ones, and rights ----

says('/big', $big, 'a big file');
says('/copied/big', $big, 'a big file, copied');
substr $big, 100_000, 4, 'here';
open $out, '+<', "$dir/big";
sysseek $out, 100_000, 0;
syswrite $out, 'here';
says('/big', $big, 'changed in its middle');
says('/copied/big', $big, 'changed in its middle, copied');
close $out;

SKIP: {
    skip 'permissions', 4 if !$> && $t->expand('%%GLOBALS%%') =~ /user root/;
    says('/chmod', 'chmod before', 'a file');
    chmod 0, "$dir/chmod";
    says('/chmod', 403, 'unreadable');
    chmod 0644, "$dir/chmod";
    says('/chmod', 'chmod before', 'readable');
    chmod 0, "$dir";
    says('/chmod', 403, 'the directory shut');
    chmod 0755, "$dir";
}

# Each of many versions, on a connection of its own.
my $misses = 0;
for my $i (1 .. 300) {
    $t->write('html/new', sprintf('%05d', $i), @more);
    $misses++ if $t->get('/new')->body ne sprintf '%05d', $i;
}
is $misses, 0, 'none of many versions is missed';

done_testing;
