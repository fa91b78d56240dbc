# SPDX-License-Identifier: BSD-2-Clause
#
# open_file_cache: it may only be seen in what it was told to remember.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $then = 1700000000;
$t->write("html/f$_", "file $_") for 1 .. 30;
$t->write('html/dir/index.html', 'index');
$t->write('html/v1/x', 'one');
$t->write('html/v2/x', 'two');
symlink 'v1', $t->path('html/now');
$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        open_file_cache max=10 inactive=20s;
        open_file_cache_valid 1s;
        open_file_cache_min_uses 1;
        location / { }
        location /errors/ { alias %%TESTDIR%%/html/;
                            open_file_cache_errors on; }
        location /off/ { alias %%TESTDIR%%/html/; open_file_cache off; }
    }
    server {
        listen 127.0.0.1:%%PORT_rare%%;
        open_file_cache max=10 inactive=20s;
        open_file_cache_min_uses 5;
    }
}
EOC

# becomes($uri, $wanted, $name): within open_file_cache_valid, and a little.
sub becomes {
    my ($uri, $wanted, $name) = @_;
    my $r;

    wait_until(sub {
        $r = $t->get($uri);
        return ($r->status == 200 ? $r->body : $r->status) eq $wanted;
    }, Weir::Test::slow(4));
    is $r->status == 200 ? $r->body : $r->status, $wanted, $name;
}

# More files than it holds, again and again, on several connections.
my $wrong = 0;
for my $round (1 .. 3) {
    my $c = $t->connect;
    for my $i (1 .. 30) {
        $wrong++ if $c->get("/f$i")->body ne "file $i";
        $wrong++ if $c->get("/f1")->body ne 'file 1';
    }
}
is $wrong, 0, 'more files than it holds';
is $t->get('/dir/')->body, 'index', 'an index' for 1 .. 2;
is $t->get('/dir')->status, 301, 'a directory' for 1 .. 2;
is $t->get('/f1', headers => [Range => 'bytes=0-3'])->body, 'file',
    'a range' for 1 .. 2;
is $t->get('/none')->status, 404, 'a file that is missing' for 1 .. 2;

# Errors are not remembered unless told so.
$t->write('html/none', 'now there');
is $t->get('/none')->body, 'now there', 'it is there at once';
is $t->get('/errors/late')->status, 404, 'open_file_cache_errors: missing';
$t->write('html/late', 'late');
becomes('/errors/late', 'late', 'open_file_cache_errors: seen in time');

# Changes are seen after open_file_cache_valid, at the latest.
is $t->get('/f2')->body, 'file 2', 'a file';
$t->write('html/new', 'replaced');
rename $t->path('html/new'), $t->path('html/f2');
becomes('/f2', 'replaced', 'renamed over');
unlink $t->path('html/f3');
is $t->get('/off/f3')->status, 404, 'open_file_cache off sees it at once';
becomes('/f3', 404, 'deleted');
$t->get('/f4');
$t->write('html/f4', 'file 4, longer');
becomes('/f4', 'file 4, longer', 'rewritten in place');
is $t->get('/now/x')->body, 'one', 'through a symlink';
symlink 'v2', $t->path('html/next');
rename $t->path('html/next'), $t->path('html/now');
becomes('/now/x', 'two', 'a symlink switched');

is $t->get('/f1', port => 'rare')->body, 'file 1',
    'open_file_cache_min_uses' for 1 .. 7;

done_testing;
