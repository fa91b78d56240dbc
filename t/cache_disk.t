# SPDX-License-Identifier: BSD-2-Clause
#
# A cache on a small disk of its own: min_free keeps some of it free, and when it
# is full, responses go uncached.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $disk = $t->small_disk('disk', '4m');
plan skip_all => 'only root can mount' if !defined $disk;

my $backend = Weir::Backend->http(sub {
    my ($size) = $_[0]->uri =~ m{/(\d+)};
    return "HTTP/1.1 200 OK\r\nContent-Length: $size\r\n\r\n" . 'x' x $size;
});
my $up = $backend->port;

sub conf {
    my ($more) = @_;

    return <<"EOC";
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/disk/c keys_zone=one:1m use_temp_path=off
        manager_sleep=10ms $more;
    proxy_cache one;
    proxy_cache_valid 1h;
    proxy_cache_key \$uri;
    proxy_cache_lock on;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
    }
}
EOC
}

sub kind { return $t->get($_[0])->header('X-Cache') }
sub files { return grep { -f } glob "$disk/c/*" }

# bytes that are free
sub free {
    my ($kb) = (split ' ', (split /\n/, `df -Pk '$disk'`)[1])[3];

    return $kb * 1024;
}

# All of the disk but so many bytes is used by others.
sub leave_free {
    my ($n) = @_;

    open my $f, '>', "$disk/ballast" or die $!;
    my $left = free() - $n;
    while ($left > 0) {
        my $did = syswrite $f, 'b' x ($left < 65536 ? $left : 65536) or last;
        $left -= $did;
    }
    close $f;
}

$t->run(conf('min_free=2m'));

subtest 'min_free' => sub {
    plan tests => 3;
    $t->get("/100000/$_") for 1 .. 10;
    is scalar files(), 10, 'stored while enough is free';
    leave_free(1_500_000);
    # the manager looks every ten seconds
    ok wait_until(sub { free() >= 2 * 1024 * 1024 }, 14), 'old ones give way';
    my @left = files();
    ok @left > 0 && @left < 10, '... but no more than needed' or diag "@left";
    unlink "$disk/ballast";
    $t->stop;
};

$t->run(conf(''));

subtest 'a full disk' => sub {
    plan tests => 7;
    is kind('/5000/kept'), 'MISS', 'one is stored';
    leave_free(20000);
    $t->expect_log(qr/No space left on device/);
    my @bad = grep {
        my $r = $t->get("/300000/$_");
        $r->status != 200 || length $r->body != 300000;
    } 1 .. 5;
    is "@bad", '', 'all are answered';
    is kind('/300000/1'), 'MISS', '... and not stored';
    is scalar(grep { /\.\d{10}$/ } files()), 0, '... and leave nothing';
    is kind('/5000/kept'), 'HIT', 'what was stored before is used';
    unlink "$disk/ballast";
    $t->get('/300000/1');
    is kind('/300000/1'), 'HIT', 'stored again when there is room';
    is $t->get('/300000/1')->body, 'x' x 300000, '... all of it';
};

done_testing;
