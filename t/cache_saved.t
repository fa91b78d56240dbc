# SPDX-License-Identifier: BSD-2-Clause
#
# The index of a cache over a restart: it is saved in the folder, and what it says
# of files that are gone is forgotten; folders that have something else are
# refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::Processes qw(children);
use Weir::Test;

plan skip_all => 'nginx saves nothing' if is_oracle();

my $backend = Weir::Backend->http(sub {
    my $body = 'body of ' . $_[0]->uri;
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
});
my $up = $backend->port;
my $t = Weir::Test->new;
my $conf = <<"EOC";
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c levels=1 keys_zone=one:1m;
    proxy_cache_valid 1h;
    proxy_cache_key \$uri;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_cache one; proxy_pass http://127.0.0.1:$up; }
    }
}
EOC
$t->mkdir('c');
$t->run($conf);

my $index = $t->path('c/.weir_index');
sub file_of { my $md5 = md5_hex($_[0]); return $t->path('c/' . substr($md5, -1) . "/$md5") }
sub kind { return $t->get($_[0])->header('X-Cache') }
sub log_of { return join '', grep { /saved index|file cache/ } split /^/, $t->read('error.log') }

$t->get("/$_") for 1 .. 5;
$t->stop;
ok -s $index, 'saved at the end';
is -s $index, 40 + 5 * 28, '... all keys' if -e $index;

unlink file_of('/2') or die $!;
$t->run($conf);
wait_until(sub { log_of() =~ /c: 5 keys from the saved index/ });
pass 'and there at the start';
is kind('/1'), 'HIT', 'a file';
wait_until(sub { log_of() =~ m{file cache: \S+/c 0\.016M}s });
pass 'one that is gone is forgotten';
is kind('/2'), 'MISS', '... and asked for';

$t->expect_log(qr/signal 9/);
$t->get("/new");
kill 'KILL', children($t->pid), $t->pid;
$t->forget_server;

my $u = Weir::Test->new;
$u->mkdir('c');
system 'cp', '-a', $t->path('c'), $u->path('.');
open my $f, '+<', $u->path('c/.weir_index') or die $!;
seek $f, 50, 0;
print {$f} 'damaged';
close $f;
$u->run($conf);
is $u->get("/$_")->header('X-Cache'), 'HIT', "/$_ after kill -9, with a damaged index"
    for 1, 'new';
wait_until(sub { $u->read('error.log') =~ /saved index \S+ is damaged/ });
pass '... which is noticed';
$u->stop;

$u = Weir::Test->new;
$u->mkdir('c');
$u->write("c/$_", '') for 'a', md5_hex('x'), md5_hex('x') . '.0123456789';
$u->mkdir("c/$_") for 'f', 'proxy_temp', '.well-known';
like Weir::Test::conf_test($conf, test => $u)->{err},
    qr/\[emerg\] cache path "\S+" in \S+ has "a", which is no file of a cache/,
    'a folder with another file is refused';
unlink $u->path('c/a');
is Weir::Test::conf_test($conf, test => $u)->{code}, 0, '... and accepted without it';
$u->mkdir('c/account');
like Weir::Test::conf_test($conf, test => $u)->{err}, qr/has "account", which/,
    'another folder';

$u = Weir::Test->new;
$u->mkdir('c');
$u->mkdir('else');
symlink $u->path('else'), $u->path('c/e') or die $!;
$u->run($conf);
wait_until(sub { -s $u->path('c/.weir_index') });
pass 'a level may be a link';
$u->write('c/a', '');
is Weir::Test::conf_test($conf, test => $u)->{code}, 0,
    'what comes into the folder of a cache does not matter';
$u->stop;

done_testing;
