# SPDX-License-Identifier: BSD-2-Clause
#
# What keeps a cache in its limits: the manager and the loader, zones that are
# full, disks that are, reloads, and folders that nginx has filled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use File::Find ();
use File::Path qw(make_path);
use Time::HiRes qw(sleep);
use Weir::Processes qw(children process_title);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($size) = $request->uri =~ /size=(\d+)/;
    my $body = $size ? 'x' x $size : 'body of ' . $request->uri;

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
});
my $up = $backend->port;

my $conf = <<"EOC";
worker_processes 2;
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/brief keys_zone=brief:1m inactive=1s;
    proxy_cache_path %%TESTDIR%%/c/small keys_zone=small:1m max_size=100k levels=1;
    proxy_cache_path %%TESTDIR%%/c/full keys_zone=full:32k levels=1:2;
    proxy_cache_path %%TESTDIR%%/c/old keys_zone=old:1m levels=2 use_temp_path=off;
    proxy_cache_path %%TESTDIR%%/c/no keys_zone=no:1m use_temp_path=off;
    proxy_cache_valid 1h;
    proxy_cache_key \$request_uri;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream u { server 127.0.0.1:$up; keepalive 4; }
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /brief { proxy_cache brief; proxy_pass http://u; }
        location /small { proxy_cache small; proxy_pass http://u; }
        location /full { proxy_cache full; proxy_pass http://u; }
        location /old { proxy_cache old; proxy_pass http://u; }
        location /no { proxy_cache no; proxy_pass http://u; }
    }
}
EOC

my $t = Weir::Test->new;
$t->mkdir('c');
# What the loader finds: a file of the cache, one that is cut off, one that was
# being written long ago, and what is not the cache's.
my $name = md5_hex('/old/1');
my $folder = $t->path('c/old/' . substr $name, -2);
my $head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";

# head of a file of the cache, as nginx 1.22 writes it
sub cache_file {
    my ($key, $text) = @_;
    my $at = 336 + length "\nKEY: $key\n";

    return pack('q<6 L< S<3', 5, time + 3600, 0, 0, -1, time, crc32($key), 0,
                $at, $at + length $head)
        . "\0" x (336 - 58) . "\nKEY: $key\n$head$text";
}

sub crc32 {
    my $crc = 0xffffffff;

    for my $byte (unpack 'C*', $_[0]) {
        $crc ^= $byte;
        $crc = $crc & 1 ? ($crc >> 1) ^ 0xedb88320 : $crc >> 1 for 1 .. 8;
    }
    return $crc ^ 0xffffffff;
}

my $foreign = $t->path('c/old/account.key');
my $index = $t->path('c/old/.weir_index'); # there was a cache before
my $foreign2 = "$folder/README";
my $cut = "$folder/" . ('0' x 30) . substr $name, -2;
my $left = "$folder/$name.0000000007";
my $wrong = $t->path('c/old/00/') . $name;
make_path($folder, $t->path('c/old/00'));
sub put { open my $f, '>', $_[0] or die "$_[0]: $!"; print {$f} $_[1]; close $f }
put("$folder/$name", cache_file('/old/1', 'abc'));
put($_, 'short') for $foreign, $index, $foreign2, $cut, $left, $wrong;
utime 1, 1, $left;
if ($> == 0) {
    my $uid = getpwnam('nobody') // 65534;
    File::Find::find(sub { chown $uid, -1, $_ }, $t->path('c'));
}

$t->run($conf);
$t->expect_log(qr/cache file .* is too small|exited on signal 9/);

sub files {
    my ($cache) = @_;
    my @found;

    File::Find::find(sub { push @found, $File::Find::name if /^[^.]/ && -f $_ },
                     $t->path("c/$cache"));
    return @found;
}

sub asked {
    my $r = $t->get(@_);
    return join ' ', $r->status, $r->header('X-Cache') // '-';
}

sub titled {
    my ($what) = @_;
    return grep { (process_title($_) // '') =~ /: $what/ } children($t->pid);
}


subtest 'loader' => sub {
    is asked('/old/1'), '200 HIT', 'finds files before it has been through';
    plan skip_all => 'it begins after a minute' if is_oracle();
    $t->wait_log(qr/cache loader process \d+ exited with code 0/);
    ok -f "$folder/$name", 'a file of the cache stays';
    ok -f $_, 'what is not its own stays, too' for $foreign, $index, $foreign2, $wrong;
    ok !-e $cut, 'what was cut off does not';
    ok !-e $left, '... nor what was never completed';
    is asked('/old/1'), '200 HIT', 'it is listed';
};

subtest 'manager' => sub {
    ok wait_until(sub { titled('cache manager process') }), 'is there';
    is asked('/brief/1'), '200 MISS', 'a file';
    wait_until(sub { files('brief') });
    ok wait_until(sub { !files('brief') }, 14), 'is deleted when it is inactive';
    asked("/small/$_?size=10000") for 1 .. 40;
    ok wait_until(sub { files('small') * 12288 <= 100 * 1024 }, 14),
        'no more than max_size is left';
    is asked('/small/40?size=10000'), '200 HIT', '... the newest';
    is asked('/small/1?size=10000'), '200 MISS', '... not the oldest';
};

subtest 'a full zone' => sub {
    my %seen;

    $seen{ asked("/full/$_") }++ for 1 .. 600;
    is_deeply [keys %seen], ['200 MISS'], 'stores on';
    is asked('/full/600'), '200 HIT', 'the newest is there';
    is asked('/full/1'), '200 MISS', 'the oldest is not';
    cmp_ok scalar(files('full')), '<', 500, 'nor are their files';
};

subtest 'no place on the disk' => sub {
    plan skip_all => 'nginx does not answer' if is_oracle();
    my $path = $t->path('c/no');

    rename $path, "$path.away";
    put($path, 'no folder');
    $t->expect_log(qr/(?:open|mkdir|rename)\(\) .* failed/);
    is asked('/no/1'), '200 MISS', 'is answered';
    is asked('/no/1'), '200 MISS', '... each time';
    unlink $path;
    rename "$path.away", $path;
    asked('/no/1');
    wait_until(sub { asked('/no/1') eq '200 HIT' });
    is asked('/no/1'), '200 HIT', 'and stored when there is one';
};

subtest 'reload' => sub {
    my @before = titled('cache manager process');

    is asked('/old/r'), '200 MISS', 'before';
    wait_until(sub { files('old') > 4 });
    $t->reload($conf =~ s/max_size=100k/max_size=200k/r);
    is asked('/old/r'), '200 HIT', 'what was stored is there';
    ok wait_until(sub {
        my @now = titled('cache manager process');
        @now == 1 && $now[0] != $before[0];
    }), 'with another manager';
    SKIP: {
        skip 'nginx refuses another path for a zone', 2 if is_oracle();
        $t->reload($conf =~ s{c/old}{c/other}r);
        is asked('/old/r'), '200 MISS', 'another path';
        is asked('/old/r'), '200 HIT', '... is used';
    }
};

subtest 'killed' => sub {
    plan skip_all => 'nginx starts none again' if is_oracle();
    wait_until(sub { titled('cache manager process') });
    my ($before) = titled('cache manager process');
    kill 'KILL', $before;
    ok wait_until(sub { grep { $_ != $before } titled('cache manager process') }),
        'a manager is started again';
};

done_testing;
